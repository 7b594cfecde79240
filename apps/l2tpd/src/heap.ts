/** How V8 keeps this process's heap: a daemon that holds many sessions for days is to be as small as what it holds. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** From this size on memory is worth more than the collector's time. */
const LARGE_OCTETS = 128e6;
const LOOK_EVERY_MS = 500;
/** At rest: the heap grew by less than this from look to look, so many times in a row. */
const RESTING_OCTETS = 3e6;
const RESTING_LOOKS = 60;
/** Garbage that is worth a collection at rest: this much, or this part of what lives. */
const GARBAGE_OCTETS = 4e6;
const GARBAGE_SHARE = 0.15;

/**
 * As V8 is, the heap grows to a multiple of what lives before it is collected, and its pages stay when half of what was on
 * them has died: a burst of a hundred thousand calls leaves twice the memory that they need. So it is collected earlier, a
 * large heap still earlier, and once more when it has been at rest for half a minute: then it is compacted, too, for which
 * control messages wait for a tenth of a second. How far the heap may grow is decided at each collection, for the next one:
 * the first growth is bounded from the start. V8 reads these settings at each collection, so they may change while the
 * program runs.
 *
 * Two things that V8 does by itself are off: marking on other threads, which costs more processor time than it saves here,
 * and its own collections when little happens, which throw away compiled code.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--no-concurrent-marking");
  setFlagsFromString("--no-memory-reducer");
  const collect = collector();
  const rest = new Rest();
  let isLarge: boolean | undefined;
  const look = (): void => {
    const { total_heap_size: total, used_heap_size: used } = getHeapStatistics();
    if (rest.look(used)) {
      collect();
      rest.collected(getHeapStatistics().used_heap_size);
    }
    const large = total > LARGE_OCTETS;
    if (large === isLarge) return;
    isLarge = large;
    setFlagsFromString(`--heap-growing-percent=${large ? 30 : 60}`);
  };
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
}

/** V8's own function for it, which is there only in contexts that are made after it was asked for. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  return () => {
    setFlagsFromString("--compact-on-every-full-gc");
    collect();
    setFlagsFromString("--no-compact-on-every-full-gc");
  };
}

/** Finds out when the heap is at rest with garbage in it. Told again and again how many octets are used, garbage included. */
export class Rest {
  #used = 0;
  #quietLooks = 0;
  /** The least that was used since the last collection: what lives, and some. */
  #least = 0;

  /** @returns whether it is time to collect. */
  look(used: number): boolean {
    const grown = used - this.#used;
    this.#used = used;
    this.#least = Math.min(this.#least, used);
    this.#quietLooks = grown < RESTING_OCTETS ? this.#quietLooks + 1 : 0;
    if (this.#quietLooks < RESTING_LOOKS) return false;
    this.#quietLooks = 0;
    return used - this.#least >= Math.max(GARBAGE_OCTETS, this.#least * GARBAGE_SHARE);
  }

  /** It was collected. @param used - octets that live. */
  collected(used: number): void {
    this.#used = used;
    this.#least = used;
  }
}
