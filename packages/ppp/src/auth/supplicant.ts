/**
 * Our side of being asked who we are: the other end of `authenticator.ts`. Answers what it is asked with methods that
 * the settings allow; checks the authenticator's own proof where the method has one; never answers our own challenge.
 */
import { equalConstantTime, md4 } from "@l2tp/crypto";
import { type MppeStartKeys, mschapV1StartKeys, mschapV2StartKeys } from "../mppe-keys.ts";
import { concat, NO_OCTETS, same, textOctets, textOf } from "../octets.ts";
import { encodePacket, type Packet } from "../packet.ts";
import type { AuthenticateSelf, AuthMethod, PppSettings } from "../settings.ts";
import { EAP, EAP_TYPE, mschapV2Data, mschapV2Packet, OPCODE } from "./authenticator.ts";
import type { AuthHost } from "./host.ts";
import { isChap, protocolOf } from "./methods.ts";
import {
  authenticatorResponse,
  challengeResponse,
  ntPasswordHash,
  ntResponse,
  parseFailure,
} from "./mschap.ts";
import { md5Response } from "./verify.ts";

/** One link's supplicant; plain data. */
export class Supplicant {
  readonly #settings: PppSettings;
  readonly #self: AuthenticateSelf;
  readonly #host: AuthHost;
  /** Methods that the peer asked for and we have: one, or those of EAP. */
  readonly methods: readonly AuthMethod[];
  done = false;
  failed = false;
  /** When what we sent goes out again: PAP's request, or CHAP's Response, as its Success may be lost (RFC 1994 §4.2). */
  deadline = Number.POSITIVE_INFINITY;
  #transmissions = 0;
  #identifier = 0;
  /** The last challenge that we answered, and the answer, for when it comes again. */
  #challenge: Uint8Array = NO_OCTETS;
  #challengeIdentifier = -1;
  #answer: Uint8Array = NO_OCTETS;
  /** The packet to send again. */
  #sent: Uint8Array = NO_OCTETS;
  /** What the authenticator has to say to be believed, and the keys that follow. */
  #expected = "";
  #keys: MppeStartKeys | undefined;
  /** MS-CHAPv2 inside EAP: the authenticator proved itself. */
  #proved = false;
  /** An answer of ours is on its way, and nothing was said about it yet. */
  #waiting = false;
  /** The method that the last answer was of. */
  #method: AuthMethod | undefined;

  constructor(settings: PppSettings, self: AuthenticateSelf, host: AuthHost, methods: readonly AuthMethod[]) {
    this.#settings = settings;
    this.#self = self;
    this.#host = host;
    this.methods = methods;
  }

  get #protocol(): number {
    return protocolOf(this.method);
  }

  /** The method that is run; with EAP another may be. */
  get method(): AuthMethod {
    return this.methods[0] as AuthMethod;
  }

  /** Whether the peer asked us; with PAP nobody does. */
  get asked(): boolean {
    return this.method === "pap" || this.#challengeIdentifier >= 0;
  }

  /** LCP is up: with PAP we begin, otherwise we wait to be asked. */
  start(now: number): void {
    if (this.methods[0] !== "pap") return;
    const name = textOctets(this.#self.name).subarray(0, 255);
    const password = this.#self.password.reveal().subarray(0, 255);
    this.#identifier = (this.#identifier + 1) & 255;
    const data = concat(Uint8Array.of(name.length), name, Uint8Array.of(password.length), password);
    this.#sent = encodePacket(1, this.#identifier, data);
    this.#transmit(now);
  }

  #transmit(now: number): void {
    this.#transmissions++;
    this.deadline = now + this.#settings.restartMs;
    this.#host.transmit(this.#protocol, this.#sent);
  }

  /** Call at or after {@link deadline}. */
  handleTimeout(now: number) {
    if (now < this.deadline) return;
    if (this.#transmissions < this.#settings.maxConfigure) return this.#transmit(now);
    // With PAP it is ours to give up; CHAP's authenticator may be asking somebody slow, and the phase has its own end.
    this.deadline = Number.POSITIVE_INFINITY;
    if (this.methods[0] === "pap") this.#fail(now, "no answer", 0);
  }

  /** A packet of the method's protocol, from the authenticator. */
  receive(now: number, packet: Packet) {
    if (this.failed) return this.#host.count("unexpected");
    const [method] = this.methods;
    if (method === "pap") return this.#receivePap(now, packet);
    if (method !== undefined && isChap(method)) return this.#receiveChap(now, packet, method);
    this.#receiveEap(now, packet);
  }

  #receivePap(now: number, { code, identifier, data }: Packet) {
    if (identifier !== this.#identifier || this.done || (code !== 2 && code !== 3))
      return this.#host.count("unexpected");
    const length = Math.min(data[0] ?? 0, data.length - 1);
    if (code === 2) return this.#succeed(now);
    this.#fail(now, textOf(data.subarray(1, 1 + Math.max(0, length))), 0);
  }

  #receiveChap(now: number, { code, identifier, data }: Packet, method: AuthMethod) {
    switch (code) {
      case OPCODE.challenge: {
        const size = data[0] ?? 0;
        if (size === 0 || 1 + size > data.length) return this.#host.count("malformed");
        const value = this.#respond(identifier, data.subarray(1, 1 + size), method);
        if (value === undefined) return;
        this.#identifier = identifier;
        this.#sent = encodePacket(OPCODE.response, identifier, value);
        this.#transmissions = 0;
        if (this.#waiting) return this.#transmit(now);
        // A repeat of a challenge that is long answered and believed: so is the answer.
        this.#host.transmit(this.#protocol, this.#sent);
        return;
      }
      case OPCODE.success:
        if (identifier !== this.#identifier || !this.#waiting) return this.#host.count("unexpected");
        if (!this.#believe(textOf(data)))
          return this.#fail(now, "the authenticator does not know the password", 0);
        return this.#succeed(now);
      case OPCODE.failure:
        if (identifier !== this.#identifier || !this.#waiting) return this.#host.count("unexpected");
        return this.#refused(now, textOf(data));
      default:
        this.#host.count("unexpected");
    }
  }

  /** Value-Size, response, name for a challenge; `undefined` when it is one that we do not answer. */
  #respond(identifier: number, challenge: Uint8Array, method: AuthMethod): Uint8Array | undefined {
    const needed =
      method === "mschap-v1" ? 8 : method === "mschap-v2" || method === "eap-mschap-v2" ? 16 : undefined;
    if (needed !== undefined && challenge.length !== needed) return this.#unexpected();
    // A reflected challenge wants us to prove ourselves to ourselves.
    if (this.#host.isOurChallenge(challenge)) return this.#unexpected();
    const again =
      same(challenge, this.#challenge) && identifier === this.#challengeIdentifier && method === this.#method;
    if (again) return this.#answer;
    this.#waiting = true;
    this.#challengeIdentifier = identifier;
    this.#challenge = challenge.slice();
    this.#method = method;
    const name = textOctets(this.#self.name);
    const password = this.#self.password.reveal();
    this.#expected = "";
    this.#keys = undefined;
    this.#proved = false;
    let response: Uint8Array;
    if (method === "chap-md5" || method === "eap-md5")
      response = md5Response(identifier, password, challenge);
    else if (method === "mschap-v1") {
      // No LM response: it gives the password away (RFC 2433 §5 lets the NT response do).
      response = concat(
        new Uint8Array(24),
        challengeResponse(challenge, ntPasswordHash(password)),
        Uint8Array.of(1),
      );
      this.#keys = mschapV1StartKeys(password, challenge);
    } else {
      const hash = ntPasswordHash(password);
      const peerChallenge = this.#host.random(16).slice();
      const nt = ntResponse(challenge, peerChallenge, name, hash);
      response = concat(peerChallenge, new Uint8Array(8), nt, Uint8Array.of(0));
      this.#expected = authenticatorResponse(challenge, peerChallenge, name, hash, nt);
      this.#keys = mschapV2StartKeys(md4(hash), nt, "client");
    }
    this.#answer = concat(Uint8Array.of(response.length), response, name);
    return this.#answer;
  }

  #unexpected(): undefined {
    this.#host.count("unexpected");
  }

  /** Whether a Success says what only one who knows the password can (RFC 2759 §5). */
  #believe(message: string): boolean {
    return (
      this.#expected === "" ||
      equalConstantTime(textOctets(message.slice(0, 42).toUpperCase()), textOctets(this.#expected))
    );
  }

  #receiveEap(now: number, { code, identifier, data }: Packet) {
    if (code === EAP.success || code === EAP.failure) {
      // Only as the end of a method that ran, and one that proves the authenticator only after it did (§4.2).
      if (this.#method !== undefined && !this.#waiting) return this.#unexpected();
      const ran = this.#method !== undefined && (this.#method !== "eap-mschap-v2" || this.#proved);
      if (code === EAP.success) return ran ? this.#succeed(now) : this.#unexpected();
      return this.#method === undefined && identifier !== this.#identifier
        ? this.#unexpected()
        : this.#fail(now, "refused", 0);
    }
    const type = data[0];
    if (code !== EAP.request || type === undefined) return this.#unexpected();
    const value = data.subarray(1);
    const reply = (of: number, body: Uint8Array) =>
      this.#host.transmit(
        this.#protocol,
        encodePacket(EAP.response, identifier, concat(Uint8Array.of(of), body)),
      );
    switch (type) {
      case EAP_TYPE.identity:
        this.#identifier = identifier;
        return reply(type, textOctets(this.#self.name));
      case EAP_TYPE.notification:
        return reply(type, NO_OCTETS);
      case EAP_TYPE.md5:
        if (!this.methods.includes("eap-md5")) return reply(EAP_TYPE.nak, this.#wantedTypes());
        return this.#eapMd5(identifier, value, reply);
      case EAP_TYPE.mschapV2:
        if (!this.methods.includes("eap-mschap-v2")) return reply(EAP_TYPE.nak, this.#wantedTypes());
        return this.#eapMschapV2(now, value, reply);
      default:
        return reply(EAP_TYPE.nak, this.#wantedTypes());
    }
  }

  /**
   * The peer went on to the network protocols: with EAP, whose Success nobody repeats, that says the same
   * (RFC 3748 §4.2). Not before the authenticator proved itself, where the method has it do so.
   */
  presume(now: number): void {
    const ran = this.#method === "eap-md5" || (this.#method === "eap-mschap-v2" && this.#proved);
    if (ran && this.#waiting && !this.failed) this.#succeed(now);
  }

  #wantedTypes(): Uint8Array {
    return Uint8Array.from(
      this.methods.map((method) => (method === "eap-md5" ? EAP_TYPE.md5 : EAP_TYPE.mschapV2)),
    );
  }

  #eapMd5(identifier: number, value: Uint8Array, reply: (type: number, body: Uint8Array) => void) {
    const size = value[0] ?? 0;
    if (size === 0 || 1 + size > value.length) return this.#host.count("malformed");
    const body = this.#respond(identifier, value.subarray(1, 1 + size), "eap-md5");
    if (body === undefined) return;
    this.#identifier = identifier;
    // In EAP the name went before (RFC 3748 §5.4 allows it empty here).
    reply(EAP_TYPE.md5, body.subarray(0, 17));
  }

  #eapMschapV2(now: number, value: Uint8Array, reply: (type: number, body: Uint8Array) => void) {
    const inner = mschapV2Data(value);
    const identifier = value[1] as number;
    if (inner === undefined) return this.#host.count("malformed");
    switch (value[0]) {
      case OPCODE.challenge: {
        if (inner[0] !== 16 || inner.length < 17) return this.#host.count("malformed");
        const body = this.#respond(identifier, inner.subarray(1, 17), "eap-mschap-v2");
        if (body === undefined) return;
        this.#identifier = identifier;
        return reply(EAP_TYPE.mschapV2, mschapV2Packet(OPCODE.response, identifier, body));
      }
      case OPCODE.success:
        if (this.#expected === "") return this.#host.count("unexpected");
        if (!this.#believe(textOf(inner)))
          return this.#fail(now, "the authenticator does not know the password", 0);
        this.#proved = true;
        return reply(EAP_TYPE.mschapV2, Uint8Array.of(OPCODE.success));
      case OPCODE.failure:
        reply(EAP_TYPE.mschapV2, Uint8Array.of(OPCODE.failure));
        return this.#refused(now, textOf(inner));
      default:
        return this.#host.count("unexpected");
    }
  }

  /** The password will not get better by trying again; changing it is not for a router to do. */
  #refused(now: number, message: string): void {
    const { error, text } = parseFailure(message);
    this.#fail(now, text === "" ? `error ${error}` : text, error);
  }

  #succeed(now: number): void {
    const keys = this.#keys;
    this.#waiting = false;
    this.deadline = Number.POSITIVE_INFINITY;
    if (this.done) return; // asked again, and answered well
    this.done = true;
    this.#host.weProved(now, keys);
  }

  #fail(now: number, why: string, error: number): void {
    this.failed = true;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#host.weFailed(now, why, error);
  }
}
