/** The file that holds the daemon's process ID while it runs. */
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { EXIT, ExitError } from "./exit-codes.ts";

/** Writes it; disposing removes it, if it is still ours. @throws ExitError when it cannot be written */
export function writePidFile(path: string): Disposable {
  const text = `${process.pid}\n`;
  try {
    writeFileSync(path, text, { mode: 0o644 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const denied = code === "EACCES" || code === "EPERM";
    throw new ExitError(
      denied ? EXIT.noPermission : EXIT.osError,
      `pid_file = "${path}" cannot be written: ${message}`,
      { cause: error },
    );
  }
  return {
    [Symbol.dispose]: () => {
      try {
        if (readFileSync(path, "utf8") === text) unlinkSync(path);
      } catch {
        // Somebody else was faster.
      }
    },
  };
}
