/**
 * Linux for Node.js, without a native addon of our own: system calls through koffi, and what stands on them.
 * Importing works anywhere; the first call says where it cannot work (`UnsupportedError`).
 */

/** Constants and layouts under the names of the kernel's headers. */
export * as abi from "./abi.ts";
export { ERRNO, errnoName, errnoText } from "./errno.ts";
export { ClosedError, remedyFor, SyscallError, UnsupportedError } from "./errors.ts";
/** The convenient forms of the system calls: they throw {@link SyscallError}. */
export * as sys from "./syscalls.ts";
export {
  addressOf,
  check,
  type Fd,
  type Pointer,
  type RawSyscalls,
  type ResourceLimit,
  raw,
} from "./syscalls.ts";
