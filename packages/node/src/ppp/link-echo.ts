/**
 * A session that ends in the program can be pinged: echo requests for our end's addresses are answered, from the moment they are
 * agreed on, until the program takes the packets itself (`PppPackets.onPacket` has one handler, the latest).
 */
import type { PppPackets } from "@l2tp/dataplane";
import { EchoResponder } from "./echo-responder.ts";
import type { PppAddresses } from "./events.ts";

/** See the file's head. */
export class LinkEcho implements Disposable {
  readonly #handler: Disposable;
  #addresses: readonly string[] = [];
  /** Made when the first packet comes that it may be for. */
  #responder: EchoResponder | undefined;

  constructor(packets: PppPackets) {
    this.#handler = packets.onPacket((packet) => {
      this.#responder ??= new EchoResponder(this.#addresses);
      const answer = this.#responder.receive(packet);
      if (answer) packets.send(answer);
    });
  }

  /** What has been agreed on. */
  answerFor({ ipv4, ipv6 }: PppAddresses): void {
    const own = [ipv4?.local, ipv6?.local, ...(ipv6?.addresses ?? [])];
    this.#addresses = own.filter((address) => address !== undefined);
    this.#responder = undefined;
  }

  [Symbol.dispose](): void {
    this.#handler[Symbol.dispose]();
  }
}
