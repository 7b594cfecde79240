/**
 * Secrets in files of their own, and the modes of what holds secrets. A file that others may read or change holds no
 * secret, so it is refused, with the command that mends it.
 */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";

/** A secret is a line; who points at something larger has pointed at the wrong file. */
const LARGEST_OCTETS = 4096;
/** Permissions of the group and of everybody. */
const OTHERS = 0o077;

/** Why a file is not taken as a secret, and what to do. */
export class SecretFileError extends Error {
  override readonly name = "SecretFileError";
}

/**
 * The secret in a file: its text, without the line break at its end.
 *
 * @throws SecretFileError
 */
export function readSecretFile(path: string): string {
  const problem = (what: string, cause?: unknown): SecretFileError =>
    new SecretFileError(`${path}: ${what}`, { cause });
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw problem("there is no such file; write the secret into it, with mode 0600", error);
    if (code === "EACCES")
      throw problem("not allowed to read it; give it to the user that l2tpd runs as", error);
    throw problem(message, error);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw problem("a plain file was expected");
    if (othersMay(stats) && !isCredential(path)) {
      throw problem(`others may read or change it (mode ${modeText(stats)}); chmod 600 ${path}`);
    }
    if (stats.size > LARGEST_OCTETS) throw problem(`it has ${stats.size} octets, and a secret is one line`);
    const octets = Buffer.alloc(LARGEST_OCTETS);
    const text = octets.toString("utf8", 0, readSync(fd, octets)).replace(/\r?\n$/, "");
    if (text === "") throw problem("it is empty; write the secret into it");
    if (/[\r\n]/.test(text)) throw problem("it has several lines, and a secret is one line");
    return text;
  } finally {
    closeSync(fd);
  }
}

/** A warning when others may read a file that has secrets in it; undefined when all is well, or that is not known. */
export function exposure(path: string): string | undefined {
  try {
    const stats = statSync(path);
    if (!othersMay(stats) || !stats.isFile()) return undefined;
    return `${path}: it holds secrets, and others may read or change it (mode ${modeText(stats)}); chmod 600 ${path}, or put the secrets into files of their own (secret_file, password_file)`;
  } catch {
    return undefined;
  }
}

/** Windows has no such modes. */
const othersMay = ({ mode }: Stats): boolean => process.platform !== "win32" && (mode & OTHERS) !== 0;

const modeText = ({ mode }: Stats): string => `0${(mode & 0o777).toString(8)}`;

/** systemd's `LoadCredential=`: the folder is ours alone, whatever the modes in it are. */
function isCredential(path: string): boolean {
  const folder = process.env["CREDENTIALS_DIRECTORY"];
  return folder !== undefined && folder !== "" && resolve(path).startsWith(`${resolve(folder)}/`);
}
