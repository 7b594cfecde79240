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

/** In the word of a message that we sent. */
const SENT = 2 ** 32;

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
    this.#numbers[this.#next * 2 + 1] = (sent ? SENT : 0) + type * 65_536 + sessionId;
    this.#next = (this.#next + 1) % this.#most;
  }

  /** Oldest first. */
  list(): readonly LoggedMessage[] {
    return this.#rows().map((row) => this.#shown(row));
  }

  /** Those of one session, as far as their headers name it: what is sent has the peer's ID. */
  ofSession(sessionId: number, peerSessionId: number): readonly LoggedMessage[] {
    const isOf = (row: number) => {
      const word = this.#word(row);
      const id = word % 65_536;
      return id !== 0 && id === (word >= SENT ? peerSessionId : sessionId);
    };
    return this.#rows()
      .filter(isOf)
      .map((row) => this.#shown(row));
  }

  #rows(): number[] {
    const count = this.#numbers.length / 2;
    const first = count < this.#most ? 0 : this.#next;
    return Array.from({ length: count }, (_, n) => (first + n) % count);
  }

  #word(row: number): number {
    return this.#numbers[row * 2 + 1] as number;
  }

  #shown(row: number): LoggedMessage {
    const word = this.#word(row);
    const type = Math.floor(word / 65_536) % 65_536;
    return {
      at: this.#numbers[row * 2] as number,
      direction: word >= SENT ? "sent" : "received",
      message: NAME_OF[type] ?? `type ${type}`,
      sessionId: word % 65_536,
    };
  }
}
