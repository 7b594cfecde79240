/**
 * One option negotiation: the automaton of RFC 1661 §4 with its restart timer and counters (§4.6), driving any
 * protocol that is a table of options. One object per protocol and link, of plain data: what is known of the protocol is in
 * a {@link ControlProtocol} that all links share, what is known of the link in its context.
 */
import { type Action, AUTOMATON, type Event, type State, TIMED } from "./automaton.ts";
import { type Kept, keep, NOTHING, octetsIn } from "./kept.ts";
import { CODE } from "./numbers.ts";
import { NO_OCTETS, oneLine, same, textOctets, textOf } from "./octets.ts";
import { decodeOptions, encodeOptions, encodePacket, type Option, type Packet } from "./packet.ts";

/**
 * What to do with an option that the peer asks for: take it, refuse it, or offer this value instead; `alone`: and say nothing
 * of the others, as the request may not be the peer's at all.
 */
export type Judgement = "ack" | "reject" | { readonly nak: Uint8Array; readonly alone?: boolean };

/** One Configuration Option: what it is, and what we do about it in either direction. */
export interface OptionRow<C> {
  readonly type: number;
  readonly name: string;
  /** Fewest and most octets of the value (the option's Length less 2). */
  readonly length: readonly [least: number, most: number];
  readonly rfc: string;
  /** For people: default, and what we accept. */
  readonly doc: string;
  /** The value that we ask for now; `undefined`, or no such function: we do not ask. */
  request?(context: C): Uint8Array | undefined;
  /** The peer would like this instead; the next {@link request} follows, or does not. */
  nak?(context: C, value: Uint8Array): void;
  /** The peer does not have the option; {@link request} gives `undefined` from now on. */
  reject?(context: C): void;
  /** What the peer asks for, of a length that is allowed. No such function: reject. */
  judge?(context: C, value: Uint8Array): Judgement;
  /** A value we would take, when the peer asks with an impossible length, or has to ask and does not. */
  suggest?(context: C): Uint8Array | undefined;
  /** Whether the peer has to ask for this: a Nak appends it when it is missing (RFC 1661 §5.3). */
  wanted?(context: C): boolean;
}

/** A protocol that negotiates options; shared by all links. */
export interface ControlProtocol<C> {
  readonly name: "LCP" | "IPCP" | "IPV6CP" | "CCP";
  readonly protocol: number;
  readonly options: readonly OptionRow<C>[];
  /**
   * A packet of a code above 7.
   * @returns false when the protocol does not have the code: a Code-Reject answers it.
   */
  other?(context: C, now: number, packet: Packet): boolean;
  /**
   * The peer takes all that we ask for.
   * @returns false when that leaves open what holds: the options ask for less now, and the peer is asked again.
   */
  taken?(context: C): boolean;
  /** Codes above 7 that we cannot live without: a Code-Reject of one ends the protocol. */
  readonly essential?: readonly number[];
}

/** What a negotiation needs of the link it belongs to. */
export interface Host {
  /** Sends a packet of `protocol`. */
  transmit(protocol: number, packet: Uint8Array): void;
  /** tlu: both sides agree. */
  layerUp(now: number, protocol: number): void;
  /** tld: the agreement is void. */
  layerDown(now: number, protocol: number): void;
  /** tlf: nothing more will happen without {@link Negotiation.open}. */
  layerFinished(now: number, protocol: number): void;
  count(counter: "malformed" | "unexpected" | "crossed" | "looped"): void;
  /** Whether a Code-Reject may be sent now: they are rationed. */
  mayReject(now: number): boolean;
  /** Most octets of information that the peer takes. */
  readonly peerMru: number;
}

/** Timers and counters (RFC 1661 §4.6). */
export interface NegotiationLimits {
  /** Milliseconds between transmissions of a request. */
  readonly restartMs: number;
  /** Terminate-Requests without an answer. */
  readonly maxTerminate: number;
  /** Configure-Requests without an answer. */
  readonly maxConfigure: number;
  /** Configure-Naks sent without an Ack, after which options are rejected instead. */
  readonly maxFailure: number;
}

/**
 * Why a protocol finished: `timeout` no answer; `terminated` by the peer; `closed` by us; `not-converging` the peer
 * refused again and again; `rejected` it does not know the protocol, or a code that it must.
 */
export type Finish = "timeout" | "terminated" | "closed" | "not-converging" | "rejected";

/** Octets of a Terminate-Request's data that are sent and read: it has a line of text, where it has any. */
const LONGEST_FAREWELL = 120;

/**
 * What a refused request counts, and one with the identifier of the last: that is a retransmission whose answer may be
 * lost, or a peer that never changes its identifier.
 */
const WHOLE = 2;
const HALF = 1;

/** One negotiation; see the file's head. */
export class Negotiation<C> {
  readonly definition: ControlProtocol<C>;
  readonly context: C;
  readonly #host: Host;
  readonly #limits: NegotiationLimits;
  state: State = "Initial";
  /** When the Restart timer is due; Infinity when it does not run. */
  deadline = Number.POSITIVE_INFINITY;
  /** Options of our last Configure-Request; in Opened, what we and the peer agree that we do. */
  ours: Kept = NOTHING;
  /** Options of the peer's last Configure-Request that we acknowledged. */
  theirs: Kept = NOTHING;
  /** Why the protocol finished last. */
  finish: Finish = "closed";
  /** What the peer said in the Terminate-Request that ended it (§5.5); "": nothing. */
  farewell = "";
  /** What we say in ours. */
  #words: Uint8Array = NO_OCTETS;
  /** Of the last Configure-Request, and whether the next one is more than a retransmission of it. */
  #identifier = 0;
  #fresh = true;
  /** Of the last Terminate-Request, Code-Reject or other packet of ours that nobody matches. */
  #ownIdentifier = 0;
  #restartCount = 0;
  /** Naks sent since the last Ack, and Rejects sent since all was last agreed, in halves: see {@link WHOLE}. */
  #failures = 0;
  #rejections = 0;
  /** Naks and Rejects received since all was last agreed. */
  #refusals = 0;
  /** How often the Restart timer ran out since all was last agreed, or begun. */
  #timeouts = 0;
  /** Of the last request of the peer's that we did not acknowledge. */
  #refusedIdentifier = -1;

  constructor(definition: ControlProtocol<C>, context: C, host: Host, limits: NegotiationLimits) {
    this.definition = definition;
    this.context = context;
    this.#host = host;
    this.#limits = limits;
  }

  /** The lower layer is up. */
  up(now: number): void {
    this.#step(now, "Up");
  }

  /** The lower layer is down. */
  down(now: number): void {
    this.#step(now, "Down");
  }

  /** The administrator wants the protocol. */
  open(now: number): void {
    this.#step(now, "Open");
  }

  /** The administrator does not want it any more. @param words - for the peer's log: data of the Terminate-Request. */
  close(now: number, words = ""): void {
    this.finish = "closed";
    this.#words = textOctets(words).subarray(0, LONGEST_FAREWELL);
    this.#step(now, "Close");
  }

  /** The peer rejected the whole protocol, or something without which it cannot go on. */
  rejected(now: number): void {
    this.finish = "rejected";
    this.#step(now, "RXJ-");
  }

  /** Call at or after {@link deadline}. */
  handleTimeout(now: number): void {
    if (now < this.deadline) return;
    // Its Acks begin the count anew (§4.6), so a peer that acknowledges and never asks needs another limit.
    const isPatient = ++this.#timeouts <= 3 * this.#limits.maxConfigure;
    if (this.#restartCount > 0 && isPatient) this.#step(now, "TO+");
    else {
      if (this.state === "Req-Sent" || this.state === "Ack-Rcvd" || this.state === "Ack-Sent")
        this.finish = "timeout";
      this.#step(now, "TO-");
    }
  }

  /**
   * Takes an agreement that others negotiated (RFC 2661 §4.4.5, proxy LCP): Opened without a packet sent.
   * Only from Starting, in place of Up.
   */
  adopt(now: number, ours: Uint8Array, theirs: Uint8Array): void {
    if (this.state !== "Starting") return;
    this.ours = keep(ours);
    this.theirs = keep(theirs);
    this.state = "Opened";
    this.#host.layerUp(now, this.definition.protocol);
  }

  /**
   * Judges a whole request as {@link receive} would, without answering.
   * @returns whether all of it is acceptable.
   */
  accepts(options: readonly Option[]): boolean {
    const answer = this.#judge(options);
    return answer.rejects.length === 0 && answer.naks.length === 0;
  }

  /** A packet of this protocol. */
  receive(now: number, packet: Packet) {
    // Without a lower layer nothing can arrive (§4.1 has no cell for it): what does is stray.
    if (this.state === "Initial" || this.state === "Starting") return this.#host.count("unexpected");
    switch (packet.code) {
      case CODE.configureRequest:
        return this.#configureRequest(now, packet);
      case CODE.configureAck:
        return this.#configureAck(now, packet);
      case CODE.configureNak:
      case CODE.configureReject:
        return this.#configureRefusal(now, packet);
      case CODE.terminateRequest:
        if (this.state !== "Closing" && this.state !== "Stopping") {
          this.finish = "terminated";
          this.farewell = oneLine(textOf(packet.data.subarray(0, LONGEST_FAREWELL)));
        }
        return this.#step(now, "RTR", packet);
      case CODE.terminateAck:
        // An unelicited one counts too: the peer is down, or wants to negotiate again (§5.5).
        return this.#step(now, "RTA");
      case CODE.codeReject:
        return this.#codeReject(now, packet);
      default:
        if (this.definition.other?.(this.context, now, packet) !== true && this.#host.mayReject(now)) {
          this.#step(now, "RUC", packet);
        }
    }
  }

  /** Sends a packet of our own accord, with an identifier of its own. */
  send(code: number, data: Uint8Array): void {
    this.#ownIdentifier = (this.#ownIdentifier + 1) & 255;
    this.#host.transmit(this.definition.protocol, encodePacket(code, this.#ownIdentifier, data));
  }

  #configureRequest(now: number, packet: Packet) {
    const options = decodeOptions(packet.data);
    if (options === undefined) return this.#host.count("malformed");
    // In these the table answers, or not, whatever the options are; judging them would have effects.
    if (this.state === "Closed" || this.state === "Closing" || this.state === "Stopping") {
      return this.#step(now, "RCR-", packet);
    }
    const { rejects, naks } = this.#judge(options);
    if (rejects.length === 0 && naks.length === 0) {
      this.#failures = 0;
      this.#refusedIdentifier = -1;
      this.theirs = keep(packet.data);
      return this.#step(now, "RCR+", packet);
    }
    // A peer that asks again and again for what is refused will not stop; the flood's end is ours to choose.
    const more = packet.identifier === this.#refusedIdentifier ? HALF : WHOLE;
    this.#refusedIdentifier = packet.identifier;
    if (rejects.length === 0) this.#failures += more;
    else this.#rejections += more;
    const { maxConfigure, maxFailure } = this.#limits;
    if (Math.max(this.#rejections, this.#failures - WHOLE * maxFailure) > WHOLE * 2 * maxConfigure)
      return this.#giveUp(now);
    // Unknown options go first, alone (§5.4); a peer that does not converge gets no more suggestions (§4.6).
    let code: number = rejects.length > 0 ? CODE.configureReject : CODE.configureNak;
    let answer = rejects.length > 0 ? rejects : naks;
    if (code === CODE.configureNak && this.#failures > WHOLE * maxFailure) {
      code = CODE.configureReject;
      answer = options.filter(({ type }) => naks.some((nak) => nak.type === type));
      // What it should have asked for and will not ask: going on would go on for ever.
      if (answer.length === 0) return this.#giveUp(now);
    }
    this.#step(now, "RCR-", packet, encodePacket(code, packet.identifier, encodeOptions(answer)));
  }

  /** What of a request is refused, and what is answered with another value. */
  #judge(options: readonly Option[]): { rejects: Option[]; naks: Option[] } {
    const rejects: Option[] = [];
    const naks: Option[] = [];
    for (const [i, option] of options.entries()) {
      const row = this.#row(option.type);
      // No option of these protocols may be listed twice (§6).
      const repeated = options.some((other, j) => j < i && other.type === option.type);
      let judgement: Judgement = "reject";
      if (row?.judge !== undefined && !repeated) {
        if (option.value.length >= row.length[0] && option.value.length <= row.length[1]) {
          judgement = row.judge(this.context, option.value);
        } else {
          const value = row.suggest?.(this.context);
          if (value !== undefined) judgement = { nak: value };
        }
      }
      if (judgement === "reject") rejects.push(option);
      else if (judgement !== "ack") {
        const nak = { type: option.type, value: judgement.nak };
        if (judgement.alone === true) return { rejects: [], naks: [nak] };
        naks.push(nak);
      }
    }
    if (this.#failures < WHOLE * this.#limits.maxFailure) {
      for (const row of this.definition.options) {
        if (row.wanted?.(this.context) === true && !options.some(({ type }) => type === row.type)) {
          const value = row.suggest?.(this.context);
          if (value !== undefined) naks.push({ type: row.type, value });
        }
      }
    }
    return { rejects, naks };
  }

  #configureAck(now: number, packet: Packet) {
    // An Ack has exactly the options sent, in their order; anything else is invalid (§5.2).
    const isOurs = packet.data.length === this.ours.length && keep(packet.data) === this.ours;
    if (packet.identifier !== this.#identifier || !isOurs) {
      return this.#host.count("unexpected");
    }
    if (this.state === "Ack-Rcvd" || this.state === "Opened") this.#host.count("crossed");
    // As if the peer had said what it takes of it.
    const event = this.definition.taken?.(this.context) === false ? "RCN" : "RCA";
    this.#step(now, event, packet);
  }

  #configureRefusal(now: number, packet: Packet) {
    if (packet.identifier !== this.#identifier) return this.#host.count("unexpected");
    const options = decodeOptions(packet.data);
    if (options === undefined) return this.#host.count("malformed");
    const asked = decodeOptions(octetsIn(this.ours)) ?? [];
    if (packet.code === CODE.configureReject) {
      // A Reject is a part of what we sent, unchanged and in its order (§5.4).
      let from = 0;
      for (const { type, value } of options) {
        const at = asked.findIndex(
          (option, i) => i >= from && option.type === type && same(option.value, value),
        );
        if (at < 0) return this.#host.count("unexpected");
        from = at + 1;
      }
      if (options.length === 0) return this.#host.count("unexpected");
    }
    if (this.state === "Ack-Rcvd" || this.state === "Opened") this.#host.count("crossed");
    // The counter of §4.6 starts anew with every refusal, so a peer that only refuses needs another limit.
    if (++this.#refusals > 2 * this.#limits.maxConfigure) return this.#giveUp(now);
    // In other states the table answers or ignores, and what we want has not changed.
    if (TIMED[this.state] ? this.state !== "Closing" && this.state !== "Stopping" : this.state === "Opened") {
      for (const { type, value } of options) {
        const row = this.#row(type);
        if (row === undefined) continue;
        if (packet.code === CODE.configureReject) row.reject?.(this.context);
        else if (value.length >= row.length[0] && value.length <= row.length[1])
          row.nak?.(this.context, value);
      }
    }
    this.#step(now, "RCN", packet);
  }

  #codeReject(now: number, packet: Packet) {
    const code = packet.data[0];
    if (code === undefined) return this.#host.count("malformed");
    const essential =
      (code >= 1 && code <= CODE.codeReject) ||
      (this.state === "Opened" && this.definition.essential?.includes(code) === true);
    if (!essential) return this.#step(now, "RXJ+", packet);
    this.rejected(now);
  }

  #giveUp(now: number): void {
    // Not one of the RFC's events, so the one that comes closest: what we need is refused for good.
    this.finish = "not-converging";
    this.#step(now, "RXJ-");
  }

  #row(type: number): OptionRow<C> | undefined {
    return this.definition.options.find((row) => row.type === type);
  }

  /** Takes one event through the table. `answer` is the Nak or Reject that scn sends. */
  #step(now: number, event: Event, packet?: Packet, answer?: Uint8Array): void {
    const cell = AUTOMATON[event][this.state];
    if (cell === undefined) return;
    // A retransmission keeps its identifier, so that a late answer still counts (§5.1); all else gets a new one.
    this.#fresh = event !== "TO+" || this.state === "Ack-Rcvd";
    this.state = cell.next;
    if (!TIMED[cell.next]) this.deadline = Number.POSITIVE_INFINITY;
    for (const action of cell.actions) this.#act(now, action, packet, answer);
  }

  #act(now: number, action: Action, packet?: Packet, answer?: Uint8Array) {
    const { protocol } = this.definition;
    switch (action) {
      case "tlu":
        this.#failures = 0;
        this.#rejections = 0;
        this.#refusals = 0;
        this.#timeouts = 0;
        return this.#host.layerUp(now, protocol);
      case "tld":
        return this.#host.layerDown(now, protocol);
      case "tls":
        return;
      case "tlf":
        this.#timeouts = 0;
        return this.#host.layerFinished(now, protocol);
      case "irc":
        this.#restartCount =
          this.state === "Closing" || this.state === "Stopping"
            ? this.#limits.maxTerminate
            : this.#limits.maxConfigure;
        return;
      case "zrc":
        this.#restartCount = 0;
        this.deadline = now + this.#limits.restartMs;
        return;
      case "scr":
        return this.#sendRequest(now);
      case "sca":
        return this.#answer(CODE.configureAck, packet, packet?.data);
      case "scn":
        if (answer !== undefined) this.#host.transmit(protocol, answer);
        return;
      case "str":
        this.#restartCount--;
        this.deadline = now + this.#limits.restartMs;
        return this.send(CODE.terminateRequest, this.#words);
      case "sta":
        return this.#answer(CODE.terminateAck, packet, NO_OCTETS);
      case "scj":
        return this.#sendCodeReject(packet);
      case "ser":
        return; // LCP answers where it reads the packet
    }
  }

  #answer(code: number, packet: Packet | undefined, data: Uint8Array | undefined): void {
    if (packet === undefined || data === undefined) return;
    this.#host.transmit(this.definition.protocol, encodePacket(code, packet.identifier, data));
  }

  #sendRequest(now: number): void {
    const options: Option[] = [];
    for (const row of this.definition.options) {
      const value = row.request?.(this.context);
      if (value !== undefined) options.push({ type: row.type, value });
    }
    const data = encodeOptions(options);
    const kept = keep(data);
    if (this.#fresh || kept !== this.ours) this.#identifier = (this.#identifier + 1) & 255;
    this.#restartCount--;
    this.deadline = now + this.#limits.restartMs;
    this.ours = kept;
    this.#host.transmit(
      this.definition.protocol,
      encodePacket(CODE.configureRequest, this.#identifier, data),
    );
  }

  #sendCodeReject(packet: Packet | undefined): void {
    if (packet === undefined) return;
    const whole = encodePacket(packet.code, packet.identifier, packet.data);
    // Cut to what the peer receives: its MRU counts the Code-Reject's own header too (§5.6).
    const cut = whole.subarray(0, Math.max(0, this.#host.peerMru - 4));
    this.send(CODE.codeReject, cut);
  }
}
