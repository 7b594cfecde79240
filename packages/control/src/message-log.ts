/** The last messages of a tunnel, for whoever asks why it failed: two numbers for each, oldest overwritten. */
import type { Instant } from "@l2tp/protocol";
import { MESSAGE_NAMES, MESSAGES, type MessageName } from "@l2tp/protocol";

/** One message as it is shown. */
export interface LoggedMessage {
  readonly at: Instant;
  readonly direction: "sent" | "received";
  /** `type 255` where there is no such message. */
  readonly message: MessageName | string;
  /** In the header; 0 for messages of the tunnel. */
  readonly sessionId: number;
}

const NAME_OF: readonly (MessageName | undefined)[] = Array.from({ length: 64 }, (_, type) =>
  MESSAGE_NAMES.find((name) => MESSAGES[name].type === type),
);

export class MessageLog {
  readonly #most: number;
  readonly #numbers: number[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  note(at: Instant, sent: boolean, type: number, sessionId: number): void {
    if (this.#most === 0) return;
    this.#numbers[this.#next * 2] = at;
    this.#numbers[this.#next * 2 + 1] = (sent ? 2 ** 32 : 0) + type * 65_536 + sessionId;
    this.#next = (this.#next + 1) % this.#most;
  }

  /** Oldest first. */
  list(): readonly LoggedMessage[] {
    const count = this.#numbers.length / 2;
    const first = count < this.#most ? 0 : this.#next;
    return Array.from({ length: count }, (_, n) => {
      const row = (first + n) % count;
      const word = this.#numbers[row * 2 + 1] as number;
      const type = Math.floor(word / 65_536) % 65_536;
      return {
        at: this.#numbers[row * 2] as number,
        direction: word >= 2 ** 32 ? ("sent" as const) : ("received" as const),
        message: NAME_OF[type] ?? `type ${type}`,
        sessionId: word % 65_536,
      };
    });
  }
}
