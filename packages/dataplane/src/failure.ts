/** What the system refuses, in the data plane's words. */
import { PlaneError, type PlaneErrorCode } from "./errors.ts";

/** Which code the name of an error number stands for; all others are `system`. */
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
  // What was used was closed meanwhile.
  ERR_CLOSED: "closed",
  ERR_PPPD_OPTIONS: "invalid-parameters",
  ERR_PPPD_MISSING: "not-available",
};

/**
 * Turns what was thrown into a PlaneError by its `code` (the name of an error number); one that is already a
 * PlaneError stays as it is.
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
  const name = (error as { code?: unknown } | undefined)?.code;
  // Without a code: thrown for a value that no system call would take, such as a malformed address.
  const malformed = error instanceof TypeError || error instanceof RangeError;
  const otherwise = malformed ? "invalid-parameters" : "system";
  const code = typeof name === "string" ? (codes[name] ?? CODES[name] ?? "system") : otherwise;
  return new PlaneError(code, `${doing}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
