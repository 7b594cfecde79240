/**
 * One PPP link: what comes from outside, and what its protocols tell it, handed to the part that sees to it. What the protocols
 * do is in their own files; the parts of the link, by the phases of RFC 1661 §3.2, are in `link/`. `PppSession` is its outside.
 */
import type { Accepted, Credentials, Decision } from "./auth/question.ts";
import { encodeFrame } from "./frame.ts";
import type { LcpHost } from "./lcp.ts";
import { accepted, decided, welcome } from "./link/authentication.ts";
import { endLink, finished, lcpFinished } from "./link/end.ts";
import { lcpDown, lcpUp, receiveLcp, startLcp, tellTimeRemaining } from "./link/lcp-side.ts";
import { handleTimeouts, nextTimeout } from "./link/limits.ts";
import {
  ccpDown,
  ccpFinished,
  ccpUp,
  ipcpUp,
  ipv6cpUp,
  networkDown,
  networkFinished,
} from "./link/networks.ts";
import { protocolRejected, receiveFrame } from "./link/reception.ts";
import { LinkState } from "./link/state.ts";
import type { MppeStartKeys } from "./mppe-keys.ts";
import { CODE, PROTOCOL } from "./numbers.ts";
import { NO_OCTETS, oneLine } from "./octets.ts";
import { encodePacket, type Packet } from "./packet.ts";
import type { ProxyInformation } from "./proxy.ts";
import { reasonOf } from "./reasons.ts";

/** Milliseconds between Reset-Requests. */
const RESET_MS = 1000;

/** What follows for the link when one of its protocols is agreed on, is so no more, or is over. */
interface Layer {
  up(link: LinkState, now: number): void;
  down(link: LinkState, now: number): void;
  finished(link: LinkState, now: number): void;
}

const LAYERS: Readonly<Record<number, Layer>> = {
  [PROTOCOL.lcp]: { up: lcpUp, down: lcpDown, finished: lcpFinished },
  [PROTOCOL.ccp]: { up: ccpUp, down: ccpDown, finished: ccpFinished },
  [PROTOCOL.ipcp]: {
    up: ipcpUp,
    down: (link, now) => networkDown(link, now, "ipv4"),
    finished: networkFinished,
  },
  [PROTOCOL.ipv6cp]: {
    up: ipv6cpUp,
    down: (link, now) => networkDown(link, now, "ipv6"),
    finished: networkFinished,
  },
};

/** See the file's head. */
export class Link extends LinkState {
  // What comes from outside.

  start(now: number, proxy?: ProxyInformation): void {
    if (this.lcp.state !== "Initial" || this.reason !== undefined) return;
    startLcp(this, now, proxy);
    this.#settle(now);
  }

  receive(now: number, octets: Uint8Array): void {
    if (this.isSilent) return;
    receiveFrame(this, now, octets);
    this.#settle(now);
  }

  decide(now: number, token: number, decision: Decision): boolean {
    if (!this.isAsking || token !== this.token || this.isSilent || this.phase === "terminate") return false;
    decided(this, now, decision);
    this.#settle(now);
    return true;
  }

  close(now: number, text?: string): void {
    endLink(this, now, "closed", text);
  }

  lowerDown(now: number): void {
    if (this.isSilent) return;
    this.reason ??= reasonOf("lower-layer-down");
    this.lcp.down(now);
    this.lcp.close(now);
    finished(this);
  }

  handleTimeout(now: number, lastData: number): void {
    if (this.isSilent) return;
    handleTimeouts(this, now, lastData);
    this.#settle(now);
  }

  pollTimeout(): number | undefined {
    return this.isSilent ? undefined : nextTimeout(this);
  }

  /** The data plane missed encrypted packets. */
  mppeLost(now: number): void {
    const { ccp } = this;
    if (ccp?.state !== "Opened" || now < ccp.context.resetAt + RESET_MS) return;
    ccp.context.resetAt = now;
    ccp.send(CODE.resetRequest, NO_OCTETS);
  }

  tellTimeRemaining(seconds: number, text: string): void {
    tellTimeRemaining(this, seconds, text);
  }

  /** What protocols found while handling a packet ends the link only after it. */
  #settle(now: number): void {
    if (this.isLooped) endLink(this, now, "looped-back");
    else if (this.noProof !== undefined) endLink(this, now, "authentication-protocol", this.noProof);
  }

  // What all protocols tell.

  transmit(protocol: number, packet: Uint8Array): void {
    this.counters.sent++;
    this.tell({ type: "frame", frame: encodeFrame(protocol, packet, { bare: true }) });
  }

  layerUp(now: number, protocol: number): void {
    LAYERS[protocol]?.up(this, now);
  }

  layerDown(now: number, protocol: number): void {
    LAYERS[protocol]?.down(this, now);
  }

  layerFinished(now: number, protocol: number): void {
    LAYERS[protocol]?.finished(this, now);
  }

  // LCP.

  lcpPacket(now: number, packet: Packet): void {
    receiveLcp(this, now, packet);
  }

  protocolRejected(now: number, protocol: number): void {
    protocolRejected(this, now, protocol);
  }

  told(what: Parameters<LcpHost["told"]>[0]): void {
    this.tell(what);
  }

  dead(now: number): void {
    endLink(this, now, "no-echo");
  }

  // Authentication.

  ask(_now: number, credentials: Credentials): void {
    this.token++;
    this.isAsking = true;
    if (this.settings.handOver) this.proof = credentials;
    this.tell({ type: "question", token: this.token, credentials });
  }

  isOurChallenge(challenge: Uint8Array): boolean {
    return this.authenticator?.isOutstanding(challenge) === true;
  }

  peerProved(now: number, name: string, decision: Accepted): void {
    if (this.phase !== "authenticate") return; // asked again, and right again
    this.allowance = undefined;
    welcome(this, now, name, this.authenticator?.method ?? "none", decision);
  }

  peerFailed(now: number, why: string): void {
    endLink(this, now, "authentication-failed", why);
  }

  weProved(now: number, keys: MppeStartKeys | undefined): void {
    accepted(this, now, keys);
  }

  weFailed(now: number, why: string, error: number): void {
    const words = oneLine(why);
    endLink(this, now, "authentication-refused", error === 0 ? words : `${words} (${error})`.trim());
  }

  // CCP.

  resetRequested(): void {
    if (this.ccp?.state === "Opened") this.tell({ type: "mppe-reset" });
  }

  acknowledgeReset(identifier: number): void {
    if (this.ccp?.state === "Opened")
      this.transmit(PROTOCOL.ccp, encodePacket(CODE.resetAck, identifier, NO_OCTETS));
  }
}
