/**
 * One PPP link: the phases of RFC 1661 §3.2, and which protocol may speak in which. What the protocols do is in
 * their own files; this one is where they meet. `PppSession` is its outside.
 */
import { type Allowance, Authenticator } from "./auth/authenticator.ts";
import type { AuthHost } from "./auth/host.ts";
import { protocolOf } from "./auth/methods.ts";
import type { Accepted, Credentials, Decision, Grants } from "./auth/question.ts";
import { Supplicant } from "./auth/supplicant.ts";
import { CCP, type CcpHost, CcpLink, mppeAgreement } from "./ccp.ts";
import type {
  DownCode,
  DownReason,
  LinkConfiguration,
  NetworkProtocol,
  PppCounters,
  PppEvent,
} from "./events.ts";
import { decodeFrame, encodeFrame } from "./frame.ts";
import { IPCP, IpcpLink, type Ipv4Agreement, ipv4Agreement } from "./ipcp.ts";
import { IPV6CP, type Ipv6Agreement, Ipv6cpLink, ipv6Agreement } from "./ipv6cp.ts";
import {
  handleEchoTimeout,
  handleLcpPacket,
  identification,
  LCP,
  type LcpHost,
  LcpLink,
  type LinkAgreement,
  linkAgreement,
  type Random,
  startEcho,
  timeRemaining,
} from "./lcp.ts";
import type { MppeStartKeys } from "./mppe-keys.ts";
import { IPV6_MINIMUM_MTU, MPPE_OVERHEAD, mssFor } from "./mtu.ts";
import { Negotiation } from "./negotiation.ts";
import { CODE, DEFAULT_MRU, PROTOCOL } from "./numbers.ts";
import { concat, NO_OCTETS, oneLine, u16 } from "./octets.ts";
import { decodePacket, encodePacket, type Packet } from "./packet.ts";
import { objection, type ProxyAuthentication, type ProxyInformation, proxiedCredentials } from "./proxy.ts";
import { Ration } from "./ration.ts";
import { FINISHES, reasonOf } from "./reasons.ts";
import { ipv4Settings, ipv6Settings, type MppeSettings, type PppSettings } from "./settings.ts";

/** Where the link is in its life (RFC 1661 §3.2). */
export type Phase = "dead" | "establish" | "authenticate" | "network" | "terminate";

/** Control packets that a link looks at: so many at once, and so many a second. Real links need a tenth. */
const CONTROL_RATION = [100, 20] as const;
/** Code-Rejects and Protocol-Rejects that it sends. */
const REJECT_RATION = [10, 1] as const;
/** Packets that end an agreement to begin anew, of all protocols together: each costs routes, addresses, lines in logs. */
const RENEGOTIATION_RATION = [10, 0.1] as const;
/** Milliseconds between Reset-Requests. */
const RESET_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;
/** Codes that take an agreement down for another (RFC 1661 §4.1); a Terminate-Request takes it down for good. */
const BEGINS_ANEW: ReadonlySet<number> = new Set([
  CODE.configureRequest,
  CODE.configureAck,
  CODE.configureNak,
  CODE.configureReject,
  CODE.terminateAck,
]);
/** What may be said before both sides know who the other is (RFC 1661 §3.5). */
const SPOKEN_EARLY: ReadonlySet<number> = new Set([
  PROTOCOL.lcp,
  PROTOCOL.pap,
  PROTOCOL.chap,
  PROTOCOL.eap,
  PROTOCOL.lqr,
]);

/** See the file's head. */
export class Link implements LcpHost, AuthHost, CcpHost {
  readonly settings: PppSettings;
  readonly random: Random;
  readonly counters: PppCounters = {
    received: 0,
    sent: 0,
    malformed: 0,
    unexpected: 0,
    crossed: 0,
    looped: 0,
    flooded: 0,
    unknownProtocol: 0,
    data: 0,
  };
  phase: Phase = "dead";
  events: PppEvent[] = [];
  readonly #lcpLink: LcpLink;
  readonly lcp: Negotiation<LcpLink>;
  #agreed: LinkAgreement | undefined;
  #authenticator: Authenticator | undefined;
  #supplicant: Supplicant | undefined;
  ipcp: Negotiation<IpcpLink> | undefined;
  ipv6cp: Negotiation<Ipv6cpLink> | undefined;
  ccp: Negotiation<CcpLink> | undefined;
  #ipv4: Ipv4Agreement | undefined;
  #ipv6: Ipv6Agreement | undefined;
  #keys: MppeStartKeys | undefined;
  #mppe: LinkConfiguration["mppe"];
  #grants: Grants | undefined;
  #proxy: ProxyAuthentication | undefined;
  /** What is left to a peer that did not prove who it is yet. */
  #allowance: Allowance | undefined;
  /** A network protocol has to be up by then, however often LCP is negotiated anew meanwhile. */
  #usefulBy = NEVER;
  /** The question that is open, and for how long when no authenticator watches it. */
  #token = 0;
  #asking = false;
  #anonymousDeadline = NEVER;
  #phaseDeadline = NEVER;
  #reason: DownReason | undefined;
  #isUp = false;
  #resetAt = Number.NEGATIVE_INFINITY;
  /** Set inside a packet's handling, acted on after it. */
  #isLooped = false;
  #noProof = false;
  readonly #control = new Ration(...CONTROL_RATION);
  readonly #rejects = new Ration(...REJECT_RATION);
  readonly #renegotiations = new Ration(...RENEGOTIATION_RATION);

  constructor(settings: PppSettings, random: Random) {
    this.settings = settings;
    this.random = random;
    this.#lcpLink = new LcpLink(settings, this);
    this.lcp = new Negotiation(LCP, this.#lcpLink, this, settings);
  }

  // --- what comes from outside ---

  start(now: number, proxy?: ProxyInformation) {
    if (this.lcp.state !== "Initial" || this.#reason !== undefined) return;
    this.#establish(now);
    this.lcp.open(now);
    if (proxy?.lastSent !== undefined && this.settings.proxy !== "renegotiate") {
      const [demand, magic] = [this.#lcpLink.demand, this.#lcpLink.magic];
      if (objection(this.#lcpLink, this.lcp, proxy) === undefined) {
        this.#proxy = proxy.authentication;
        this.lcp.adopt(now, proxy.lastSent, proxy.lastReceived as Uint8Array);
        return this.#settle(now);
      }
      this.#lcpLink.demand = demand;
      this.#lcpLink.magic = magic;
      this.#lcpLink.loops = 0;
    }
    this.lcp.up(now);
  }

  receive(now: number, octets: Uint8Array) {
    if (this.phase === "dead") return;
    this.counters.received++;
    const frame = decodeFrame(octets);
    if (frame === undefined) return this.count("malformed");
    const { protocol, information } = frame;
    if (protocol === PROTOCOL.ipv4 || protocol === PROTOCOL.ipv6 || protocol === PROTOCOL.compressed) {
      this.counters.data++;
      return;
    }
    if (!this.#control.take(now)) {
      this.counters.flooded++;
      return;
    }
    this.#dispatch(now, protocol, information);
    this.#settle(now);
  }

  #dispatch(now: number, protocol: number, information: Uint8Array) {
    if (protocol !== PROTOCOL.lcp && this.lcp.state !== "Opened") return this.count("unexpected");
    const known = this.#known(protocol);
    if (this.phase === "authenticate" && !SPOKEN_EARLY.has(protocol)) {
      // Before the peer is known, other protocols are silently discarded (RFC 1661 §3.5).
      if (known) this.#supplicant?.presume(now);
      if (this.phase === "authenticate") return this.count("unexpected");
    }
    if (!known) return this.#rejectProtocol(now, protocol, information);
    const packet = decodePacket(information);
    if (packet === undefined) return this.count("malformed");
    switch (protocol) {
      case PROTOCOL.lcp:
        return this.#negotiate(now, this.lcp, packet);
      case PROTOCOL.pap:
      case PROTOCOL.chap:
      case PROTOCOL.eap:
        return this.#authentication(now, protocol, packet);
      default:
        if (this.phase !== "network") return this.count("unexpected");
        if (protocol === PROTOCOL.ccp && this.ccp === undefined) this.#openCcp(now);
        return this.#negotiate(now, this.#network(protocol), packet);
    }
  }

  /** To the protocol that a packet is of; what would end an agreement, only as often as that may be. */
  #negotiate(
    now: number,
    negotiation: Pick<Negotiation<never>, "state" | "receive"> | undefined,
    packet: Packet,
  ): void {
    if (negotiation?.state === "Opened" && BEGINS_ANEW.has(packet.code) && !this.#renegotiations.take(now)) {
      this.counters.flooded++;
      return;
    }
    negotiation?.receive(now, packet);
  }

  /** Whether this link speaks a protocol at all. */
  #known(protocol: number): boolean {
    switch (protocol) {
      case PROTOCOL.lcp:
        return true;
      case PROTOCOL.pap:
      case PROTOCOL.chap:
      case PROTOCOL.eap:
        return (
          (this.#agreed?.peerProves !== undefined && protocolOf(this.#agreed.peerProves) === protocol) ||
          this.#agreed?.weProve.some((method) => protocolOf(method) === protocol) === true ||
          (protocol === PROTOCOL.pap && this.settings.papInsteadOfChap)
        );
      case PROTOCOL.ipcp:
        return this.settings.ipv4 !== undefined && this.#grants?.ipv4 !== false;
      case PROTOCOL.ipv6cp:
        return this.settings.ipv6 !== undefined && this.#grants?.ipv6 !== false && this.#takesIpv6;
      case PROTOCOL.ccp:
        return this.#mppeSettings.policy !== "off" && (this.phase !== "network" || this.#keys !== undefined);
      default:
        return false;
    }
  }

  /** IPv6 needs packets of 1280 octets (RFC 8200 §5): where the peer takes only smaller ones, IPv6 is not spoken. */
  get #takesIpv6(): boolean {
    const mppe = this.#mppeSettings.policy === "off" ? 0 : MPPE_OVERHEAD;
    return Math.min(this.#agreed?.peerMru ?? DEFAULT_MRU, this.settings.mtu) - mppe >= IPV6_MINIMUM_MTU;
  }

  #network(
    protocol: number,
  ): Negotiation<IpcpLink> | Negotiation<Ipv6cpLink> | Negotiation<CcpLink> | undefined {
    if (protocol === PROTOCOL.ipcp) return this.ipcp;
    return protocol === PROTOCOL.ipv6cp ? this.ipv6cp : this.ccp;
  }

  /** Requests go to who proves, answers to who checks: both may run at once, in the same protocol. */
  #authentication(now: number, protocol: number, packet: Packet) {
    const isAnswer = protocol === PROTOCOL.pap ? packet.code === 1 : packet.code === 2 || packet.code >= 5;
    if (!isAnswer) {
      const [method] = this.#supplicant?.methods ?? [];
      if (method === undefined || protocolOf(method) !== protocol) return this.count("unexpected");
      return this.#supplicant?.receive(now, packet);
    }
    const checks = this.#authenticator;
    if (checks === undefined) return this.count("unexpected");
    if (protocolOf(checks.method) === protocol) return checks.receive(now, packet);
    if (protocol === PROTOCOL.pap && this.settings.papInsteadOfChap)
      return checks.receivePapInstead(now, packet);
    this.count("unexpected");
  }

  /** RFC 1661 §5.7: the protocol, and as much of the packet as the peer takes. */
  #rejectProtocol(now: number, protocol: number, information: Uint8Array): void {
    this.counters.unknownProtocol++;
    if (!this.mayReject(now)) return;
    const room = Math.max(0, this.peerMru - 6);
    this.lcp.send(CODE.protocolReject, concat(u16(protocol), information.subarray(0, room)));
  }

  decide(now: number, token: number, decision: Decision): boolean {
    if (!this.#asking || token !== this.#token || this.phase === "dead" || this.phase === "terminate")
      return false;
    this.#asking = false;
    if (this.#anonymousDeadline !== NEVER) {
      this.#anonymousDeadline = NEVER;
      if (decision.accept) this.#welcome(now, "", "none", decision);
      else this.#end(now, "authentication-failed", decision.message);
    } else this.#authenticator?.decide(now, decision);
    this.#settle(now);
    return true;
  }

  close(now: number, text?: string): void {
    if (this.phase === "dead") return;
    this.#end(now, "closed", text);
  }

  lowerDown(now: number): void {
    if (this.phase === "dead") return;
    this.#reason ??= reasonOf("lower-layer-down");
    this.lcp.down(now);
    this.lcp.close(now);
    this.#finished();
  }

  handleTimeout(now: number, lastData: number): void {
    if (this.phase === "dead") return;
    this.lcp.handleTimeout(now);
    if (this.#agreed !== undefined && this.lcp.state === "Opened") {
      handleEchoTimeout(this.#lcpLink, this.#agreed, now, lastData);
    }
    this.#authenticator?.handleTimeout(now);
    this.#supplicant?.handleTimeout(now);
    this.ccp?.handleTimeout(now);
    this.ipcp?.handleTimeout(now);
    this.ipv6cp?.handleTimeout(now);
    if (now >= this.#anonymousDeadline) this.#end(now, "authentication-failed", "no decision in time");
    if (now >= this.#phaseDeadline || now >= this.#usefulBy) {
      this.#end(now, ...this.#lateness());
    }
    this.#settle(now);
  }

  /** What a phase that took too long waited for. */
  #lateness(): [DownCode, string?] {
    if (this.phase === "establish") return ["lcp-timeout"];
    if (this.phase === "authenticate") {
      return this.#supplicant?.done === false
        ? ["authentication-refused", `no ${this.#supplicant.asked ? "answer" : "question"} in time`]
        : ["authentication-failed", "out of time"];
    }
    return this.#mppeSettings.policy === "require" && this.#mppe === undefined
      ? ["encryption"]
      : ["no-network-protocol"];
  }

  pollTimeout(): number | undefined {
    if (this.phase === "dead") return undefined;
    const due = Math.min(
      this.lcp.deadline,
      this.lcp.state === "Opened" ? this.#lcpLink.echoDeadline : NEVER,
      this.#authenticator?.deadline ?? NEVER,
      this.#authenticator?.limit ?? NEVER,
      this.#supplicant?.deadline ?? NEVER,
      this.ccp?.deadline ?? NEVER,
      this.ipcp?.deadline ?? NEVER,
      this.ipv6cp?.deadline ?? NEVER,
      this.#anonymousDeadline,
      this.#phaseDeadline,
      this.#usefulBy,
    );
    return due === NEVER ? undefined : due;
  }

  /** The data plane missed encrypted packets. */
  mppeLost(now: number): void {
    if (this.ccp?.state !== "Opened" || now < this.#resetAt + RESET_MS) return;
    this.#resetAt = now;
    this.ccp.send(CODE.resetRequest, NO_OCTETS);
  }

  tellTimeRemaining(seconds: number, text: string): void {
    if (this.lcp.state !== "Opened" || this.#agreed === undefined) return;
    this.lcp.send(CODE.timeRemaining, timeRemaining(this.#agreed, seconds, text));
  }

  // --- what protocols ask of their link ---

  transmit(protocol: number, packet: Uint8Array): void {
    this.counters.sent++;
    this.events.push({ type: "frame", frame: encodeFrame(protocol, packet, { bare: true }) });
  }

  count(counter: "malformed" | "unexpected" | "crossed" | "looped"): void {
    this.counters[counter]++;
  }

  mayReject(now: number): boolean {
    return this.#rejects.take(now);
  }

  get peerMru(): number {
    return this.#agreed?.peerMru ?? DEFAULT_MRU;
  }

  looped(): void {
    this.#isLooped = true;
  }

  authenticationRefused(): void {
    this.#noProof = true;
  }

  /** What protocols found while handling a packet ends the link only after it: they are not torn down under way. */
  #settle(now: number): void {
    if (this.#isLooped) this.#end(now, "looped-back");
    else if (this.#noProof) this.#end(now, "authentication-protocol");
  }

  lcpPacket(now: number, packet: Packet) {
    handleLcpPacket(this.#lcpLink, this.lcp, this.#agreed, now, packet);
  }

  protocolRejected(now: number, protocol: number) {
    switch (protocol) {
      case PROTOCOL.lcp:
        return this.lcp.rejected(now);
      case PROTOCOL.pap:
      case PROTOCOL.chap:
      case PROTOCOL.eap:
        if (this.#authenticator !== undefined && protocolOf(this.#authenticator.method) === protocol)
          this.#noProof = true;
        else if (this.#supplicant?.done === false && protocolOf(this.#supplicant.method) === protocol)
          this.weFailed(now, "it rejects the protocol that it asked for", 0);
        return;
      // Whose packets the peer does not take has no use for the agreement about them either.
      case PROTOCOL.ipcp:
      case PROTOCOL.ipv4:
        return this.ipcp?.rejected(now);
      case PROTOCOL.ipv6cp:
      case PROTOCOL.ipv6:
        return this.ipv6cp?.rejected(now);
      case PROTOCOL.ccp:
      case PROTOCOL.compressed:
        return this.ccp?.rejected(now);
    }
  }

  told(
    what:
      | { type: "identification"; text: string }
      | { type: "time-remaining"; seconds: number; text: string },
  ): void {
    this.events.push(what);
  }

  dead(now: number): void {
    this.#end(now, "no-echo");
  }

  ask(_now: number, credentials: Credentials): void {
    this.#token++;
    this.#asking = true;
    this.events.push({ type: "question", token: this.#token, credentials });
  }

  isOurChallenge(challenge: Uint8Array): boolean {
    return this.#authenticator?.isOutstanding(challenge) === true;
  }

  peerProved(now: number, name: string, decision: Accepted): void {
    if (this.phase !== "authenticate") return; // asked again, and right again
    this.#allowance = undefined;
    this.#welcome(now, name, this.#authenticator?.method ?? "none", decision);
  }

  #welcome(
    now: number,
    name: string,
    method: LinkAgreement["peerProves"] | "none",
    decision: Accepted,
  ): void {
    this.#grants = decision.grants;
    this.#takeKeys(decision.mppeKeys, !this.settings.caller);
    this.events.push({ type: "peer-authenticated", name, method: method ?? "none" });
    this.#continue(now);
  }

  /** Where both sides proved themselves, the caller's proof gives the keys (RFC 3079 §3). */
  #takeKeys(keys: MppeStartKeys | undefined, first: boolean): void {
    this.#keys = first ? (keys ?? this.#keys) : (this.#keys ?? keys);
  }

  peerFailed(now: number, why: string): void {
    this.#end(now, "authentication-failed", why);
  }

  weProved(now: number, keys: MppeStartKeys | undefined): void {
    this.#takeKeys(keys, this.settings.caller);
    this.events.push({ type: "authenticated" });
    this.#continue(now);
  }

  weFailed(now: number, why: string, error: number): void {
    const words = oneLine(why);
    this.#end(now, "authentication-refused", error === 0 ? words : `${words} (${error})`.trim());
  }

  resetRequested(): void {
    if (this.ccp?.state === "Opened") this.events.push({ type: "mppe-reset" });
  }

  acknowledgeReset(identifier: number): void {
    if (this.ccp?.state === "Opened")
      this.transmit(PROTOCOL.ccp, encodePacket(CODE.resetAck, identifier, NO_OCTETS));
  }

  // --- layers up, down, finished ---

  layerUp(now: number, protocol: number) {
    switch (protocol) {
      case PROTOCOL.lcp:
        return this.#lcpUp(now);
      case PROTOCOL.ccp:
        return this.#ccpUp(now);
      case PROTOCOL.ipcp:
        this.#ipv4 = this.ipcp && ipv4Agreement(this.ipcp);
        return this.#networkUp(now, "ipv4", this.ipcp, this.#ipv4 !== undefined);
      default:
        this.#ipv6 = this.ipv6cp && ipv6Agreement(this.ipv6cp);
        return this.#networkUp(now, "ipv6", this.ipv6cp, this.#ipv6 !== undefined);
    }
  }

  #lcpUp(now: number) {
    const agreed = linkAgreement(this.#lcpLink, this.lcp);
    this.#agreed = agreed;
    this.#phaseDeadline = NEVER;
    startEcho(this.#lcpLink, now);
    this.events.push({ type: "lcp-up" });
    this.#configure();
    if (this.settings.identification !== "") {
      this.lcp.send(CODE.identification, identification(agreed, this.settings.identification));
    }
    this.phase = "authenticate";
    const { authenticatePeer, authenticateSelf } = this.settings;
    if (authenticateSelf !== undefined && agreed.weProve.length > 0) {
      this.#supplicant = new Supplicant(this.settings, authenticateSelf, this, agreed.weProve);
      // Without a demand of ours nothing else limits how long the peer may take.
      this.#phaseDeadline = now + this.settings.phaseLimitMs;
      this.#supplicant.start(now);
    }
    if (authenticatePeer === undefined) return this.#continue(now);
    if (agreed.peerProves === undefined) {
      this.#anonymousDeadline = now + authenticatePeer.decisionLimitMs;
      const nobody = { name: "", nameOctets: NO_OCTETS, proxied: false, trusted: false, again: false };
      return this.ask(now, { ...nobody, method: "none" });
    }
    this.#allowance ??= {
      attempts: authenticatePeer.attempts,
      until: now + authenticatePeer.timeLimitMs,
    };
    const checks = new Authenticator(
      this.settings,
      authenticatePeer,
      this,
      agreed.peerProves,
      this.#allowance,
    );
    this.#authenticator = checks;
    const proxy = this.#proxy;
    this.#proxy = undefined;
    if (this.#allowance.attempts <= 0) return this.#end(now, "authentication-failed", "too many attempts");
    const proof = proxy && proxiedCredentials(agreed.peerProves, proxy, this.settings.proxy === "use");
    if (proof === undefined) return checks.start(now);
    checks.takeUp(now, proxy?.identifier ?? 0, proxy?.challenge ?? NO_OCTETS, proof);
  }

  /** Both sides know who the other is: on to the network protocols. */
  #continue(now: number) {
    if (this.phase !== "authenticate") return;
    if (this.#supplicant !== undefined && !this.#supplicant.done) return;
    const { authenticatePeer } = this.settings;
    const anonymous = this.#agreed?.peerProves === undefined && !this.#asking;
    if (authenticatePeer !== undefined && this.#authenticator?.stage !== "done" && !anonymous) return;
    this.phase = "network";
    this.#phaseDeadline = now + this.settings.phaseLimitMs;
    const { policy } = this.#mppeSettings;
    // Keys that nothing will use are not kept.
    if (policy === "off") this.#keys = undefined;
    if (policy === "require" && this.#keys === undefined) {
      return this.#end(now, "encryption", "MPPE is required, and the authentication gives no keys for it");
    }
    if (policy === "request" || policy === "require") this.#openCcp(now);
    // Nothing goes in the clear where it must not.
    if (policy !== "require") this.#openNetworks(now);
  }

  get #mppeSettings(): MppeSettings {
    const granted = this.#grants?.mppe;
    return granted === undefined ? this.settings.mppe : { ...this.settings.mppe, ...granted };
  }

  #openCcp(now: number): void {
    if (this.#keys === undefined) return;
    this.ccp = new Negotiation(CCP, new CcpLink(this.#mppeSettings, this), this, this.settings);
    this.ccp.open(now);
    this.ccp.up(now);
  }

  #openNetworks(now: number): void {
    const { ipv4, ipv6 } = this.settings;
    const grants = this.#grants;
    if (ipv4 !== undefined && grants?.ipv4 !== false && this.ipcp === undefined) {
      const settings = grants?.ipv4 === undefined ? ipv4 : ipv4Settings(Object.assign({}, ipv4, grants.ipv4));
      this.ipcp = new Negotiation(IPCP, new IpcpLink(settings), this, this.settings);
      this.ipcp.open(now);
      this.ipcp.up(now);
    }
    if (ipv6 !== undefined && grants?.ipv6 !== false && this.#takesIpv6 && this.ipv6cp === undefined) {
      const settings = grants?.ipv6 === undefined ? ipv6 : ipv6Settings(Object.assign({}, ipv6, grants.ipv6));
      this.ipv6cp = new Negotiation(IPV6CP, new Ipv6cpLink(settings, this.random), this, this.settings);
      this.ipv6cp.open(now);
      this.ipv6cp.up(now);
    }
    if (this.ipcp === undefined && this.ipv6cp === undefined) this.#end(now, "no-network-protocol");
  }

  #ccpUp(now: number): void {
    const modes = this.ccp && mppeAgreement(this.ccp);
    if (modes === undefined || this.#keys === undefined) {
      if (this.#mppeSettings.policy === "require") this.#end(now, "encryption");
      return;
    }
    this.#mppe = { ...modes, keys: this.#keys };
    this.#configure();
    if (this.#mppeSettings.policy === "require") this.#gateAll("pass");
    if (this.#ipv4 !== undefined || this.#ipv6 !== undefined) {
      this.#phaseDeadline = NEVER;
      this.#usefulBy = NEVER;
    }
    this.#openNetworks(now);
  }

  /** An Ack that got lost makes the peer ask again, so this is no refusal; but nothing goes in the clear meanwhile. */
  #ccpDown(now: number): void {
    this.#mppe = undefined;
    if (this.phase !== "network") return;
    if (this.#mppeSettings.policy === "require") {
      this.#gateAll("drop");
      this.#phaseDeadline = now + this.settings.phaseLimitMs;
    }
    this.#configure();
  }

  #gateAll(mode: "pass" | "drop"): void {
    if (this.#ipv4 !== undefined) this.events.push({ type: "gate", protocol: "ipv4", mode });
    if (this.#ipv6 !== undefined) this.events.push({ type: "gate", protocol: "ipv6", mode });
  }

  #networkUp(
    now: number,
    protocol: NetworkProtocol,
    negotiation: { close(now: number): void } | undefined,
    agreed: boolean,
  ): void {
    if (!agreed) {
      negotiation?.close(now);
      return;
    }
    const held = this.#mppeSettings.policy === "require" && this.#mppe === undefined;
    if (!held) this.#phaseDeadline = NEVER;
    this.#configure();
    if (held) return; // the gate opens with CCP
    this.#usefulBy = NEVER;
    this.events.push({ type: "gate", protocol, mode: "pass" });
    if (this.#isUp) return;
    this.#isUp = true;
    this.events.push({ type: "up" });
  }

  layerDown(now: number, protocol: number) {
    switch (protocol) {
      case PROTOCOL.lcp:
        return this.#lcpDown(now);
      case PROTOCOL.ccp:
        return this.#ccpDown(now);
      case PROTOCOL.ipcp:
        return this.#networkDown(now, "ipv4");
      default:
        return this.#networkDown(now, "ipv6");
    }
  }

  /** LCP is negotiated anew, or ends: everything above goes down with it (RFC 1661 §3.4, §3.7). */
  #lcpDown(now: number): void {
    const refusal = this.#authenticator?.refusal;
    if (this.#allowance !== undefined && this.#authenticator !== undefined)
      this.#allowance = { ...this.#allowance, attempts: this.#authenticator.attemptsLeft };
    for (const upper of [this.ipcp, this.ipv6cp, this.ccp]) upper?.down(now);
    if (this.#ipv4 !== undefined) this.#networkDown(now, "ipv4");
    if (this.#ipv6 !== undefined) this.#networkDown(now, "ipv6");
    this.ipcp = undefined;
    this.ipv6cp = undefined;
    this.ccp = undefined;
    this.#mppe = undefined;
    this.#keys = undefined;
    this.#grants = undefined;
    this.#authenticator = undefined;
    this.#supplicant = undefined;
    this.#agreed = undefined;
    this.#asking = false;
    this.#anonymousDeadline = NEVER;
    if (this.phase === "terminate" || this.phase === "dead") return;
    if (this.lcp.state === "Stopping") {
      // The peer says good-bye, or cannot go on: LCP waits a little, the link is of no use from now on.
      this.phase = "terminate";
      this.#phaseDeadline = NEVER;
      this.#usefulBy = NEVER;
      this.#reason = refusal === undefined ? finishOf(this.lcp) : reasonOf("authentication-failed", refusal);
      this.events.push({ type: "terminating", reason: this.#reason });
      return;
    }
    this.#establish(now);
  }

  #establish(now: number): void {
    const { phaseLimitMs, authenticatePeer } = this.settings;
    this.phase = "establish";
    this.#phaseDeadline = now + phaseLimitMs;
    // All phases one after the other, each as slow as it may be.
    if (this.#usefulBy === NEVER)
      this.#usefulBy = now + 2 * phaseLimitMs + Math.max(phaseLimitMs, authenticatePeer?.timeLimitMs ?? 0);
  }

  #networkDown(now: number, protocol: NetworkProtocol): void {
    if ((protocol === "ipv4" ? this.#ipv4 : this.#ipv6) === undefined) return;
    if (protocol === "ipv4") this.#ipv4 = undefined;
    else this.#ipv6 = undefined;
    // With none left, the link has to be of use again within its time.
    if (this.phase === "network" && this.#ipv4 === undefined && this.#ipv6 === undefined)
      this.#phaseDeadline = now + this.settings.phaseLimitMs;
    this.events.push({ type: "gate", protocol, mode: "drop" });
    this.#configure();
  }

  layerFinished(now: number, protocol: number) {
    if (protocol === PROTOCOL.lcp) return this.#lcpFinished();
    if (this.phase !== "network") return;
    if (protocol === PROTOCOL.ccp) {
      // Refused or lost, MPPE is missed only where it is required; IPCP and IPV6CP go on as if nothing was.
      if (this.#mppeSettings.policy === "require") this.#end(now, "encryption");
      return;
    }
    const left = [this.ipcp, this.ipv6cp].filter((one) => one !== undefined && !isOver(one.state));
    if (left.length > 0) return;
    const noAddress =
      this.ipcp !== undefined && (this.ipcp.finish === "not-converging" || this.ipcp.finish === "closed");
    this.#end(now, noAddress ? "address" : "no-network-protocol");
  }

  #lcpFinished(): void {
    this.#reason ??= finishOf(this.lcp);
    this.#finished();
  }

  #finished(): void {
    if (this.phase === "dead") return;
    this.phase = "dead";
    this.#phaseDeadline = NEVER;
    this.#asking = false;
    this.events.push({ type: "down", reason: this.#reason ?? reasonOf("closed") });
  }

  /** Takes the link down in order: a Terminate-Request, and `down` when it is answered or not. */
  #end(now: number, code: DownCode, text?: string): void {
    if (this.phase === "terminate" || this.phase === "dead") return;
    this.#reason = reasonOf(code, text);
    this.phase = "terminate";
    this.#phaseDeadline = NEVER;
    this.#usefulBy = NEVER;
    this.events.push({ type: "terminating", reason: this.#reason });
    this.lcp.close(now, code === "closed" ? text : this.#reason.text);
  }

  /** Tells the data plane what the link is now. */
  #configure(): void {
    const agreed = this.#agreed;
    if (agreed === undefined) return;
    const { settings } = this;
    const mtu = Math.min(agreed.peerMru, settings.mtu) - (this.#mppe === undefined ? 0 : MPPE_OVERHEAD);
    const clamp = (family: 4 | 6) =>
      typeof settings.tcpMss === "number"
        ? Math.min(settings.tcpMss, mssFor(mtu, family))
        : mssFor(mtu, family);
    this.events.push({
      type: "configure",
      configuration: {
        sendAccm: agreed.sendAccm,
        receiveAccm: agreed.receiveAccm,
        pfc: settings.sendCompressed && agreed.peerPfc,
        acfc: settings.sendCompressed && agreed.peerAcfc,
        mru: agreed.mru,
        mtu,
        tcpMss: settings.tcpMss === "off" ? undefined : { ipv4: clamp(4), ipv6: clamp(6) },
        ipv4: this.#ipv4,
        ipv6: this.#ipv6,
        mppe: this.#mppe,
      },
    });
  }
}

/** Why LCP finished; a peer that says why it terminates the link is quoted. */
const finishOf = ({ finish, farewell }: Pick<Negotiation<never>, "finish" | "farewell">): DownReason =>
  reasonOf(FINISHES[finish], finish === "terminated" ? farewell : undefined);

const isOver = (state: string): boolean => state === "Stopped" || state === "Closed" || state === "Initial";
