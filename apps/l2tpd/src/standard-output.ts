/** Standard output, for what ends by itself: `--help`, `--check`, the demonstration. */
import { EXIT, ExitError } from "./exit-codes.ts";

let failure: NodeJS.ErrnoException | undefined;

/** Lets failures of standard output be kept, where they would end the process; {@link outputIsOut} tells them. */
export function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    failure ??= error;
  });
}

/**
 * Waits until all that was written is out. Where nobody reads any more (`l2tpd --check | head`), nobody minds.
 *
 * @throws ExitError when it cannot be written, as on a disk that is full
 */
export async function outputIsOut(): Promise<void> {
  await new Promise<void>((done) => process.stdout.write("", () => done()));
  if (failure === undefined || failure.code === "EPIPE") return;
  throw new ExitError(EXIT.osError, `standard output: ${failure.message}`, { cause: failure });
}
