/** The error numbers that the packet loops look at, as plain constants (`asm-generic/errno.h`). */
export const EINTR = 4;
export const EIO = 5;
export const EBADF = 9;
export const EAGAIN = 11;
export const EINVAL = 22;
/** The TAP's interface was deleted. */
export const EBADFD = 77;
export const EMSGSIZE = 90;
