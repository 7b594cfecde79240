/** `--watch`: the same again every so often, until the reader has seen enough. */
import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError, Option } from "commander";
import type { Work } from "./work.ts";

/** Home, and erase what is below: no flicker, unlike erasing first. */
const HOME = "\u001b[H";
const ERASE_BELOW = "\u001b[J";
const ERASE_SCREEN = "\u001b[2J";

const DEFAULT_SECONDS = 2;

/** The option. */
export function watchOption(): Option {
  return new Option("--watch [seconds]", `print it again every ${DEFAULT_SECONDS} seconds, or as given`)
    .preset(String(DEFAULT_SECONDS))
    .argParser((text) => {
      const seconds = Number(text);
      if (!(seconds >= 0.1 && seconds <= 3600)) {
        throw new InvalidArgumentError("a number of seconds from 0.1 to 3600 is expected.");
      }
      return seconds;
    });
}

/** Runs `print` once, or again and again. */
export async function repeat(
  { io, output }: Work,
  { watch: seconds, json }: { readonly watch?: number; readonly json?: true },
  print: () => Promise<void>,
): Promise<void> {
  if (seconds === undefined) return await print();
  const screen = io.stdout.isTTY === true && !json;
  for (let round = 0; !output.closed && !io.signal?.aborted; round++) {
    if (screen) output.text(round === 0 ? ERASE_SCREEN + HOME : HOME + ERASE_BELOW);
    else if (round > 0 && !json) output.line("");
    await print();
    await output.flush();
    await sleep(seconds * 1000, undefined, io.signal ? { signal: io.signal } : {}).catch(() => {});
  }
}
