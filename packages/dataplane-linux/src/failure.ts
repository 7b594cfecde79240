/** What the kernel's L2TP refuses, in words that say what to do. */
import { PlaneError, type PlaneErrorCode, planeError } from "@l2tp/dataplane";
import { SyscallError } from "@l2tp/linux";
import type { Encapsulation, Pseudowire } from "@l2tp/protocol";

const NET_ADMIN =
  "the kernel's L2TP needs the capability CAP_NET_ADMIN in the user namespace that owns the network namespace: " +
  "run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN";

/** Modules by what they bring; the netlink one brings the core with it. */
const MODULES = {
  family: { module: "l2tp_netlink", option: "CONFIG_L2TP_V3" },
  eth: { module: "l2tp_eth", option: "CONFIG_L2TP_ETH" },
  ppp: { module: "l2tp_ppp", option: "CONFIG_PPPOL2TP" },
  pppac: { module: "l2tp_ppp", option: "CONFIG_PPPOL2TP" },
  ip4: { module: "l2tp_ip", option: "CONFIG_L2TP_IP" },
  ip6: { module: "l2tp_ip6", option: "CONFIG_L2TP_IP" },
} as const;

/** @returns the error for a module that is not there. */
export function moduleMissing(what: keyof typeof MODULES, doing: string, cause?: unknown): PlaneError {
  const { module, option } = MODULES[what];
  const text =
    `${doing}: this kernel lacks ${module}: load it with "modprobe ${module}" ` +
    `(Debian and Ubuntu: package linux-modules-extra or a full linux-image; a kernel of one's own: ${option}=m)`;
  return new PlaneError("module-missing", text, { cause });
}

/** Whether an error is the kernel's with one of these names. */
export function isErrno(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof SyscallError && names.includes(error.code);
}

/**
 * Turns what was thrown into a PlaneError.
 *
 * @param doing - what was being done, for the message.
 * @param codes - error names that mean something else here.
 */
export function kernelError(
  error: unknown,
  doing: string,
  codes: Readonly<Record<string, PlaneErrorCode>> = {},
): PlaneError {
  if (error instanceof PlaneError) return error;
  if (isErrno(error, "ENOENT") && /CTRL_CMD_GETFAMILY/.test((error as Error).message)) {
    return moduleMissing("family", doing, error);
  }
  if (isErrno(error, "EPERM") && /L2TP_CMD_/.test((error as Error).message)) {
    return new PlaneError("no-privilege", `${doing}: ${NET_ADMIN}`, { cause: error });
  }
  if ((error as { code?: unknown }).code === "ERR_NO_BRIDGE") {
    return new PlaneError("no-bridge", `${doing}: ${(error as Error).message}`, { cause: error });
  }
  return planeError(error, doing, codes);
}

/** The error of TUNNEL_CREATE; `EEXIST` is the caller's to explain. */
export function tunnelError(error: unknown, doing: string): PlaneError {
  return kernelError(error, doing, { EADDRINUSE: "address-in-use", EEXIST: "id-in-use" });
}

/** The error of SESSION_CREATE; `EEXIST` is the caller's to explain. */
export function sessionError(error: unknown, doing: string, pseudowire: Pseudowire): PlaneError {
  if (isErrno(error, "EPROTONOSUPPORT")) return moduleMissing(pseudowire, doing, error);
  return kernelError(error, doing, { ENODEV: "closed", EEXIST: "id-in-use", EINVAL: "invalid-parameters" });
}

/** The error of opening a socket of a wire. */
export function socketError(
  error: unknown,
  doing: string,
  wire: { readonly encapsulation: Encapsulation; readonly family: 4 | 6 },
): PlaneError {
  if (wire.encapsulation === "ip" && isErrno(error, "EPROTONOSUPPORT", "ESOCKTNOSUPPORT")) {
    return moduleMissing(wire.family === 4 ? "ip4" : "ip6", doing, error);
  }
  return kernelError(error, doing, { EINVAL: "invalid-parameters" });
}
