/** What the system refuses, in the data plane's words. */
import { PlaneError, type PlaneErrorCode } from "@l2tp/dataplane";
import { SyscallError } from "@l2tp/linux";

/** Which code an error number stands for; all others are `system`. */
const CODES: Readonly<Record<string, PlaneErrorCode>> = {
  EACCES: "no-privilege",
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-not-local",
  EAFNOSUPPORT: "unsupported",
  EHOSTUNREACH: "no-route",
  EMFILE: "limit",
  ENETUNREACH: "no-route",
  ENFILE: "limit",
  EPERM: "no-privilege",
};

/**
 * Turns what was thrown into a PlaneError; one that is already one stays as it is.
 *
 * @param doing - what was being done, for the message: `wire on 192.0.2.1:1701`.
 * @param codes - error names that mean something else here.
 */
export function planeError(
  error: unknown,
  doing: string,
  codes: Readonly<Record<string, PlaneErrorCode>> = {},
): PlaneError {
  if (error instanceof PlaneError) return error;
  const name = error instanceof SyscallError ? error.code : "";
  const code = codes[name] ?? CODES[name] ?? "system";
  return new PlaneError(code, `${doing}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
