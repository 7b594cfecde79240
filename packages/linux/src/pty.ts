/** Pseudo-terminals: a line of octets between two descriptors, which to a program such as pppd looks like a modem's. */
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "./abi.ts";
import {
  B38400,
  CLOCAL,
  CREAD,
  CS8,
  O_NOCTTY,
  TCGETS,
  TCSETS,
  TIOCGPTPEER,
  TIOCSPTLCK,
  VMIN,
  VTIME,
} from "./abi-tty.ts";
import { close, ioctl, open } from "./sys.ts";
import { check, type Fd, raw } from "./syscalls.ts";

const DEVICE = "/dev/ptmx";
/** The kernel's `struct termios`: four words of flags, the line discipline, nineteen control characters. */
const TERMIOS = { size: 36, c_cflag: 8, c_cc: 17 } as const;

/** Both ends of a pseudo-terminal. */
export interface Pty {
  /** Our end; reading answers EAGAIN instead of waiting, and EIO when nobody has the other end open. */
  readonly master: Fd;
  /** The terminal, for a program; raw: octets pass as they are, without echo. */
  readonly slave: Fd;
}

/**
 * Opens a pseudo-terminal. Needs no privilege.
 * @throws {@link SyscallError} ENOENT (no devpts), ENOSPC (none left, see /proc/sys/kernel/pty/max), ENOTTY (Linux before 4.13)
 */
export function openPty(): Pty {
  const master = open(DEVICE, O_RDWR | O_NOCTTY | O_NONBLOCK);
  let slave: Fd | undefined;
  try {
    ioctl(master, TIOCSPTLCK, Int32Array.of(0), "TIOCSPTLCK");
    // By the descriptor: its name below /dev/pts may be another mount's.
    const peer = raw().ioctlValue(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    slave = check("ioctl", peer, "TIOCGPTPEER") as Fd;
    makeRaw(slave);
    return { master, slave };
  } catch (error) {
    if (slave !== undefined) close(slave);
    close(master);
    throw error;
  }
}

function makeRaw(terminal: Fd): void {
  const termios = new Uint8Array(TERMIOS.size);
  ioctl(terminal, TCGETS, termios, "TCGETS");
  termios.fill(0, 0, TERMIOS.c_cc - 1);
  new DataView(termios.buffer).setUint32(TERMIOS.c_cflag, CS8 | CREAD | CLOCAL | B38400, true);
  termios[TERMIOS.c_cc + VMIN] = 1;
  termios[TERMIOS.c_cc + VTIME] = 0;
  ioctl(terminal, TCSETS, termios, "TCSETS");
}
