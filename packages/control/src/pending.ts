/** Questions and intents that wait for their answers, and the time for it. */
import type { Instant } from "@l2tp/protocol";
import type { Token } from "./names.ts";

/** What waits: for whom, since when. */
export interface Waiting<Subject> {
  readonly token: Token;
  readonly subject: Subject;
  readonly deadline: Instant;
}

/** All that wait the same time for their answer. Tokens count up and are never used twice. */
export class Pending<Subject> {
  readonly #next: () => Token;
  /** How long those wait that are asked from now on; none is over before those that were asked earlier. */
  waitMs: number;
  readonly #byToken = new Map<Token, Waiting<Subject>>();
  /** Tokens in their order, answered ones included until they are met. */
  readonly #queue: Token[] = [];
  #from = 0;

  /** @param next - gives a token that no one has. */
  constructor(next: () => Token, waitMs: number) {
    this.#next = next;
    this.waitMs = waitMs;
  }

  get size(): number {
    return this.#byToken.size;
  }

  ask(now: Instant, subject: Subject): Waiting<Subject> {
    const waiting = { token: this.#next(), subject, deadline: now + this.waitMs };
    this.#byToken.set(waiting.token, waiting);
    if (this.#from > 1_024 && this.#from * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#from);
      this.#from = 0;
    }
    this.#queue.push(waiting.token);
    return waiting;
  }

  /** What the token stands for, without taking the answer. */
  peek(token: Token): Subject | undefined {
    return this.#byToken.get(token)?.subject;
  }

  /** Takes the answer: undefined when nothing waits for it any more. */
  answer(token: Token): Subject | undefined {
    const waiting = this.#byToken.get(token);
    this.#byToken.delete(token);
    return waiting?.subject;
  }

  /** @returns the next whose time is over, which waits no longer. */
  expired(now: Instant): Subject | undefined {
    const first = this.#first();
    return first === undefined || first.deadline > now ? undefined : this.answer(first.token);
  }

  /** When the time of the first is over. */
  nextDeadline(): Instant | undefined {
    return this.#first()?.deadline;
  }

  /** They stand in the order in which they were asked, which is that of their deadlines. */
  #first(): Waiting<Subject> | undefined {
    while (this.#from < this.#queue.length) {
      const waiting = this.#byToken.get(this.#queue[this.#from] as Token);
      if (waiting !== undefined) return waiting;
      this.#from++;
    }
    this.#queue.length = 0;
    this.#from = 0;
    return undefined;
  }
}
