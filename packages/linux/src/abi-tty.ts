/**
 * Numbers and layouts of terminals, under the names of the kernel's headers. As in `abi.ts`, values are those of
 * little-endian LP64 (x86_64 and arm64 agree), and a test asks gcc.
 */

// ── asm-generic/ioctls.h, asm-generic/termbits.h, linux/tty.h ────────────────────────────────────────────────────

export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TIOCSETD = 0x5423;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGPTPEER = 0x5441;
export const O_NOCTTY = 0o400;
/** Line disciplines. */
export const N_PPP = 3;
export const N_SYNC_PPP = 14;

export const CS8 = 0o60;
export const CREAD = 0o200;
export const CLOCAL = 0o4000;
export const B38400 = 0o17;
export const VTIME = 5;
export const VMIN = 6;
