/** Why a daemon cannot be spoken to. */
import { statSync } from "node:fs";

/** What a program can branch on. */
export type ConnectionErrorCode =
  /** Nobody listens. */
  | "no-daemon"
  /** The socket is there, and is not ours to open. */
  | "no-permission"
  /** It is another program, or a version that we do not understand. */
  | "version-mismatch"
  /** It went away while it answered. */
  | "interrupted"
  | "timeout"
  | "system";

const REMEDIES: Record<ConnectionErrorCode, string> = {
  "no-daemon": "start l2tpd, or name its socket with --socket",
  "no-permission": "run this command as root (sudo) or as the user that l2tpd runs as",
  "version-mismatch": "use the l2tpctl that came with this l2tpd; restart l2tpd after an upgrade",
  interrupted: "l2tpd has stopped or was restarted; try again",
  timeout: "l2tpd is very busy or stopped by a debugger; try again",
  system: "the system refused; see the message",
};

/** `sun_path` of unix(7), but for its final 0. */
const LONGEST_PATH = 107;

/** The system refuses to connect to a file in the same way as to a socket that nobody listens at. */
function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return true; // nothing is known against it
  }
}

/** Thrown by the client where the daemon cannot be reached or understood. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: ConnectionErrorCode;
  /** What to do. */
  readonly remedy: string;

  constructor(code: ConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = REMEDIES[code];
  }

  /** From an error of the system. */
  static of(path: string, error: unknown): ConnectionError {
    const options = { cause: error };
    if (Buffer.byteLength(path) > LONGEST_PATH) {
      const why = `the path is longer than the ${LONGEST_PATH} octets that a socket's may have`;
      return new ConnectionError("no-daemon", `no l2tpd at ${path}: ${why}`, options);
    }
    const errno = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    switch (errno) {
      case "ENOENT":
        return new ConnectionError("no-daemon", `no l2tpd at ${path}: there is no such socket`, options);
      case "ECONNREFUSED": {
        const why = isSocket(path) ? "its socket is there, but nobody listens" : "it is no socket";
        return new ConnectionError("no-daemon", `no l2tpd at ${path}: ${why}`, options);
      }
      case "EACCES":
      case "EPERM":
        return new ConnectionError("no-permission", `not allowed to speak to l2tpd at ${path}`, options);
      case "ENOTSOCK":
      case "ENOTDIR":
        return new ConnectionError("no-daemon", `no l2tpd at ${path}: it is no socket`, options);
      case "ECONNRESET":
      case "EPIPE":
        return new ConnectionError("interrupted", `l2tpd at ${path} went away while it answered`, options);
      default: {
        if (errno.startsWith("HPE_")) {
          return new ConnectionError(
            "version-mismatch",
            `what listens at ${path} does not speak HTTP`,
            options,
          );
        }
        const text = error instanceof Error ? error.message : String(error);
        return new ConnectionError("system", `${path}: ${text}`, options);
      }
    }
  }
}
