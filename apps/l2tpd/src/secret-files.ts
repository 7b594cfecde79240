/** Secrets in files of their own, and the mode of a configuration that holds secrets itself. */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import type { SecretFile } from "@l2tp/config";

/** A secret is a line; who points at something larger has pointed at the wrong file. */
const LARGEST_OCTETS = 4096;
/** Permissions of the group and of everybody. */
const OTHERS = 0o077;

/**
 * A file for `readSecrets` of `@l2tp/config`, which judges its mode and owner: both are of the file that was read, not of
 * one that took its place meanwhile.
 *
 * @throws Error with what to do
 */
export function readSecretFile(path: string): SecretFile {
  const fd = open(path);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error("a plain file was expected");
    if (stats.size > LARGEST_OCTETS) throw new Error(`it has ${stats.size} octets, and a secret is one line`);
    const octets = Buffer.alloc(LARGEST_OCTETS);
    const text = octets.toString("utf8", 0, readSync(fd, octets));
    if (process.platform === "win32" || isCredential(path)) return { text };
    return { text, mode: stats.mode & 0o777, uid: stats.uid };
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    // A named pipe would be waited for.
    if (!statSync(path).isFile()) throw new Error("a plain file was expected");
    return openSync(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Error("there is no such file; write the secret into it, with mode 0600");
    if (code === "EACCES") throw new Error("not allowed; give it to the user that l2tpd runs as");
    throw error;
  }
}

/** A warning when others may read a file that has secrets in it; undefined when all is well, or that is not known. */
export function exposure(path: string): string | undefined {
  try {
    const stats = statSync(path);
    if (!othersMay(stats) || !stats.isFile()) return undefined;
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    return `${path}: it holds secrets, and others can get at it (mode ${mode}); run chmod 600 ${path}, or put the secrets into files of their own (secret_file, password_file)`;
  } catch {
    return undefined;
  }
}

/** Windows has no such modes. */
const othersMay = ({ mode }: Stats): boolean => process.platform !== "win32" && (mode & OTHERS) !== 0;

/** systemd's `LoadCredential=`: the folder is ours alone, whatever the modes in it are. */
function isCredential(path: string): boolean {
  const folder = process.env["CREDENTIALS_DIRECTORY"];
  return folder !== undefined && folder !== "" && resolve(path).startsWith(`${resolve(folder)}/`);
}
