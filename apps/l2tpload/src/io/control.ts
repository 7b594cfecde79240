/** What a run's threads and the one that started them share: a wish to stop, and how it goes. */
import { type Progress, STAGES } from "../engine.ts";

const STOP = 0;
const STAGE = 1;
const TUNNELS = 2;
const SESSIONS = 3;
const FAILED = 4;

/** A few numbers in shared memory: a thread that waits in a system call reads no messages. */
export class RunControl {
  readonly shared: Int32Array;

  constructor(shared: Int32Array = new Int32Array(new SharedArrayBuffer(5 * 4))) {
    this.shared = shared;
  }

  /** Asks for an orderly end; asked twice, for one at once. */
  stop(): void {
    Atomics.add(this.shared, STOP, 1);
  }

  /** How often an end was asked for. */
  get stops(): number {
    return Atomics.load(this.shared, STOP);
  }

  get progress(): Progress {
    const at = (index: number) => Atomics.load(this.shared, index);
    return {
      stage: STAGES[at(STAGE)] ?? "done",
      tunnels: at(TUNNELS),
      sessions: at(SESSIONS),
      failed: at(FAILED),
    };
  }

  set progress({ stage, tunnels, sessions, failed }: Progress) {
    for (const [index, value] of [STAGES.indexOf(stage), tunnels, sessions, failed].entries()) {
      Atomics.store(this.shared, STAGE + index, value);
    }
  }
}
