/**
 * A static tunnel: both ends are configured, and there is no control connection. It is up as soon as it is in
 * the data plane, never sends a control message, and counts those that arrive all the same.
 */
import type { ControlDatagram } from "@l2tp/dataplane";
import type { ControlLink, ControlStatistics, TunnelControl } from "./control.ts";

/** The control part of one static tunnel. */
export class StaticControl implements TunnelControl {
  readonly #link: ControlLink;
  #ignored = 0;

  constructor(link: ControlLink) {
    this.#link = link;
  }

  start(): void {
    this.#link.alive();
  }

  stop(): void {}

  close(): void {}

  handle({ from }: ControlDatagram): void {
    this.#ignored += 1;
    if (this.#ignored > 1) return; // a peer that is not static goes on for ever
    this.#link.logger.warn(
      { from: from.address, port: from.port },
      "a control message arrived for a static tunnel, which takes none; is the peer's tunnel static, too?",
    );
  }

  statistics(): ControlStatistics {
    return { ignored: this.#ignored };
  }
}
