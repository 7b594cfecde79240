/** How V8 keeps this process's heap: a daemon that holds many sessions for days is to be as small as what it holds. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** From this size on memory is worth more than the collector's time. */
const LARGE_OCTETS = 96e6;
const LOOK_EVERY_MS = 500;

/**
 * As V8 is, the heap grows to a multiple of what lives before it is collected, and its pages stay when half of what was on
 * them has died: a burst of a hundred thousand calls leaves twice the memory that they need. So it is collected earlier, and
 * a large heap still earlier, and compacted; that costs the collector more work (most of it on other threads) while calls
 * come in, and nothing while they last. How far the heap may grow is decided at each collection, for the next one: the first
 * growth is bounded from the start. V8 reads these settings at each collection, so they may change while the program runs.
 */
export function keepHeapSmall(): void {
  let isLarge: boolean | undefined;
  const look = (): void => {
    const large = getHeapStatistics().total_heap_size > LARGE_OCTETS;
    if (large === isLarge) return;
    isLarge = large;
    setFlagsFromString(`--heap-growing-percent=${large ? 30 : 60}`);
    setFlagsFromString(large ? "--compact-on-every-full-gc" : "--no-compact-on-every-full-gc");
  };
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
}
