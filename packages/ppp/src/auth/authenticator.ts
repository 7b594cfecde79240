/**
 * Our side of asking the peer who it is: PAP (RFC 1334 §2), CHAP (RFC 1994) with MD5 and both versions of MS-CHAP
 * (RFC 2433, RFC 2759), and EAP (RFC 3748) with MD5-Challenge and MS-CHAPv2. The answer to a proof may take seconds:
 * until {@link Authenticator.decide} nothing waits and repeats change nothing.
 */
import { type Kept, keep, NOTHING, octetsIn } from "../kept.ts";
import { concat, NO_OCTETS, putU16, same, textOctets, textOf, u16At } from "../octets.ts";
import { encodePacket, type Packet } from "../packet.ts";
import { Password } from "../secret.ts";
import type { AuthenticatePeer, AuthMethod, PppSettings } from "../settings.ts";
import type { AuthHost } from "./host.ts";
import { isChap, protocolName, protocolOf } from "./methods.ts";
import { formatFailure, RESPONSE_LENGTH } from "./mschap.ts";
import type { Credentials, Decision } from "./question.ts";

/** Codes of EAP packets, and types of its requests (RFC 3748 §4, §5; 26 is MS-CHAPv2). */
export const EAP = { request: 1, response: 2, success: 3, failure: 4 } as const;
export const EAP_TYPE = { identity: 1, notification: 2, nak: 3, md5: 4, mschapV2: 26 } as const;
/** OpCodes inside EAP's MS-CHAPv2, those of CHAP. */
export const OPCODE = { challenge: 1, response: 2, success: 3, failure: 4, changePassword: 7 } as const;

/** What PAP has room for; a longer name is refused in the others too. */
export const MAXIMUM_NAME = 255;

/**
 * Where we are: `asked` something is on its way to the peer, `deciding` its proof is with those who know, `told` (EAP's
 * MS-CHAPv2) the outcome is on its way, `done`, `failed`.
 */
type Stage = "idle" | "asked" | "deciding" | "told" | "done" | "failed";

/** Accepted without a word; of all links. */
const SILENT: Decision = { accept: true };

/** What is left to a peer: attempts, and time. LCP that is negotiated anew gives back neither. */
export interface Allowance {
  readonly attempts: number;
  readonly until: number;
}

/** One link's authenticator; plain data. */
export class Authenticator {
  readonly #settings: PppSettings;
  readonly #peer: AuthenticatePeer;
  readonly #host: AuthHost;
  method: AuthMethod;
  stage: Stage = "idle";
  /** When the next transmission, the end of a question or the next challenge is due. */
  deadline = Number.POSITIVE_INFINITY;
  /** When the peer has to be authenticated. */
  limit: number;
  #identifier: number;
  #challenge: Uint8Array = NO_OCTETS;
  #transmissions = 0;
  #attempts: number;
  /** The peer has been authenticated before: it is asked again. */
  #again = false;
  #name: Kept = NOTHING;
  /** What was sent last, for repeats, and the identifier of what it answers. */
  #sent: Kept = NOTHING;
  #answered = -1;
  #decision: Decision | undefined;
  /** EAP: the identity has been told. */
  #identified = false;
  /** The peer knows of its success already. */
  #silent = false;
  /** The proof is one that the LAC was given. */
  #passedOn = false;
  /** The peer takes no more of the protocol: nothing is sent. */
  #isRejected = false;

  constructor(
    settings: PppSettings,
    peer: AuthenticatePeer,
    host: AuthHost,
    method: AuthMethod,
    allowance: Allowance,
  ) {
    this.#settings = settings;
    this.#peer = peer;
    this.#host = host;
    this.method = method;
    this.#attempts = allowance.attempts;
    this.limit = allowance.until;
    this.#identifier = host.random(1)[0] as number;
  }

  /** LCP is up: ask. */
  start(now: number): void {
    this.#ask(now);
  }

  /** Takes up what the LAC asked the peer, and what it answered (RFC 2661 §4.4.5). */
  takeUp(now: number, identifier: number, challenge: Uint8Array, credentials: Credentials): void {
    this.#identifier = identifier;
    this.#challenge = challenge;
    // Already told by the LAC: a second Success would be a riddle to the peer.
    this.#silent = credentials.trusted;
    this.#passedOn = true;
    this.#question(now, credentials);
  }

  /** Whether `challenge` is our own, not yet answered. */
  isOutstanding(challenge: Uint8Array): boolean {
    return (
      (this.stage === "asked" || this.stage === "deciding") &&
      challenge.length > 0 &&
      same(challenge, this.#challenge)
    );
  }

  /** Why the last proof was refused, when it was: a peer that then hangs up does so for that. */
  get refusal(): string | undefined {
    return this.#decision?.accept === false ? (this.#decision.message ?? "refused") : undefined;
  }

  /** Of the packet that was answered last: CHAP's of the challenge, PAP's of the request. */
  get identifier(): number {
    return this.#answered < 0 ? this.#identifier : this.#answered;
  }

  /** Attempts that the peer has left when LCP goes down now; a question that is open then is one. */
  get attemptsLeft(): number {
    return this.stage === "deciding" ? this.#attempts - 1 : this.#attempts;
  }

  /**
   * The peer sent a Protocol-Reject of the method's protocol: nothing of it is sent any more (RFC 1661 §5.7). Who is known
   * already remains so, until it would be asked again.
   * @returns what is missing now; `undefined`: nothing.
   */
  rejected(): string | undefined {
    this.#isRejected = true;
    return this.stage === "done" || this.stage === "failed"
      ? undefined
      : `it rejects ${protocolName(this.method)}`;
  }

  #ask(now: number): void {
    this.stage = "asked";
    this.#transmissions = 0;
    this.#decision = undefined;
    if (this.method === "pap") return; // the peer begins
    this.#identifier = (this.#identifier + 1) & 255;
    if (isChap(this.method)) {
      this.#newChallenge();
      this.#sent = keep(encodePacket(OPCODE.challenge, this.#identifier, this.#challengeValue()));
    } else if (!this.#identified)
      this.#sent = keep(eapRequest(this.#identifier, EAP_TYPE.identity, NO_OCTETS));
    else this.#sent = keep(this.#eapChallenge());
    this.#transmit(now);
  }

  #newChallenge(): void {
    this.#challenge = this.#host.random(this.method === "mschap-v1" ? 8 : 16).slice();
  }

  /** Value-Size, challenge, our name: the same in CHAP and in both methods of EAP. */
  #challengeValue(): Uint8Array {
    return concat(Uint8Array.of(this.#challenge.length), this.#challenge, textOctets(this.#peer.localName));
  }

  #eapChallenge(): Uint8Array {
    this.#newChallenge();
    const value = this.#challengeValue();
    if (this.method === "eap-md5") return eapRequest(this.#identifier, EAP_TYPE.md5, value);
    return eapRequest(
      this.#identifier,
      EAP_TYPE.mschapV2,
      mschapV2Packet(OPCODE.challenge, this.#identifier, value),
    );
  }

  /** Sends what waits for an answer, and again every restart period. */
  #transmit(now: number): void {
    this.#transmissions++;
    this.deadline = now + this.#settings.restartMs;
    this.#host.transmit(protocolOf(this.method), octetsIn(this.#sent));
  }

  /** Sends what is sent once, and again only as the answer to a repeat. */
  #send(packet: Uint8Array): void {
    this.#sent = keep(packet);
    this.#host.transmit(protocolOf(this.method), packet);
  }

  /** Call at or after {@link deadline} or {@link limit}. */
  handleTimeout(now: number) {
    if (now >= this.limit && this.stage !== "done" && this.stage !== "failed")
      return this.#fail(now, "out of time");
    if (now < this.deadline) return;
    if (this.stage === "deciding")
      return this.decide(now, { accept: false, message: "No decision in time", retry: false });
    if (this.stage === "done") {
      if (this.#isRejected)
        return this.#fail(now, `it rejects ${protocolName(this.method)} since, and is to be asked again`);
      this.#again = true;
      this.limit = now + this.#peer.timeLimitMs;
      return this.#ask(now);
    }
    if (this.stage === "told" && this.#transmissions >= this.#settings.maxConfigure)
      return this.#conclude(now);
    if (this.#transmissions >= this.#settings.maxConfigure) return this.#fail(now, "no answer");
    this.#transmit(now);
  }

  /** A packet of the method's protocol. */
  receive(now: number, packet: Packet) {
    if (this.stage === "idle" || this.stage === "failed" || this.#isRejected)
      return this.#host.count("unexpected");
    if (this.method === "pap") return this.#receivePap(now, packet);
    if (isChap(this.method)) return this.#receiveChap(now, packet);
    this.#receiveEap(now, packet);
  }

  #receivePap(now: number, { code, identifier, data }: Packet) {
    if (code !== 1) return this.#host.count("unexpected");
    const idLength = data[0] ?? 255;
    const passwordLength = data[1 + idLength];
    if (passwordLength === undefined || 2 + idLength + passwordLength > data.length)
      return this.#host.count("malformed");
    if (this.stage === "deciding") {
      // Each repeat of a request has an identifier of its own (RFC 1334 §2.2.1): the answer is for the latest.
      if (same(data, octetsIn(this.#sent))) this.#identifier = identifier;
      return;
    }
    this.#identifier = identifier;
    // Its Ack was lost: the answer is the same (RFC 1334 §2.2).
    if (this.stage === "done") return this.#answerPap(this.#decision ?? { accept: true });
    const name = data.subarray(1, 1 + idLength);
    const password = new Password(data.subarray(2 + idLength, 2 + idLength + passwordLength));
    if (idLength === 0 || password.isEmpty) return this.#refuseAtOnce(now);
    this.#sent = keep(data);
    this.#question(now, { method: "pap", password, ...this.#proof(name) });
  }

  /** PAP where CHAP was agreed, from a peer that is known to do so. */
  receivePapInstead(now: number, packet: Packet) {
    if (this.stage !== "asked" || this.#again) return this.#host.count("unexpected");
    this.method = "pap";
    this.deadline = Number.POSITIVE_INFINITY;
    this.#receivePap(now, packet);
  }

  #receiveChap(now: number, { code, identifier, data }: Packet) {
    // A repeat of what was answered: the answer got lost (RFC 1994 §4.2).
    if (
      code === OPCODE.response &&
      identifier === this.#answered &&
      this.stage !== "asked" &&
      this.stage !== "deciding"
    ) {
      return this.#host.transmit(protocolOf(this.method), octetsIn(this.#sent));
    }
    if (this.stage !== "asked" || identifier !== this.#identifier) {
      // A password to be changed (RFC 2433 §9, RFC 2759 §7) comes after our Failure, with the next identifier.
      return this.#host.count("unexpected");
    }
    if (code >= 5 && code <= 7 && this.method !== "chap-md5") {
      return this.#conclude(now, {
        accept: false,
        error: 709,
        retry: false,
        message: "Passwords are not changed here",
      });
    }
    if (code !== OPCODE.response) return this.#host.count("unexpected");
    const size = data[0] ?? 255;
    if (1 + size > data.length || size !== (this.method === "chap-md5" ? 16 : RESPONSE_LENGTH)) {
      return this.#host.count("malformed");
    }
    this.#proofGiven(now, data.subarray(1, 1 + size), data.subarray(1 + size));
  }

  #receiveEap(now: number, { code, identifier, data }: Packet) {
    const type = data[0];
    if (code !== EAP.response || type === undefined || identifier !== this.#identifier)
      return this.#host.count("unexpected");
    const value = data.subarray(1);
    if (this.stage === "told") return this.#receiveToldEap(now, type, value);
    if (this.stage !== "asked") return this.#host.count("unexpected");
    if (!this.#identified) {
      if (type !== EAP_TYPE.identity) return this.#host.count("unexpected");
      if (value.length === 0 || value.length > MAXIMUM_NAME)
        return this.#conclude(now, { accept: false, retry: false, message: "A name is needed" });
      this.#identified = true;
      this.#name = keep(value);
      return this.#ask(now);
    }
    if (type === EAP_TYPE.nak) return this.#eapNak(now, value);
    if (type === EAP_TYPE.md5 && this.method === "eap-md5") {
      if (value[0] !== 16 || value.length < 17) return this.#host.count("malformed");
      return this.#proofGiven(now, value.subarray(1, 17), octetsIn(this.#name));
    }
    if (type !== EAP_TYPE.mschapV2 || this.method !== "eap-mschap-v2") return this.#host.count("unexpected");
    const inner = mschapV2Data(value);
    if (inner === undefined) return this.#host.count("malformed");
    if (value[0] === OPCODE.changePassword) {
      return this.#conclude(now, {
        accept: false,
        error: 709,
        retry: false,
        message: "Passwords are not changed here",
      });
    }
    if (value[0] !== OPCODE.response) return this.#host.count("unexpected");
    if (inner[0] !== RESPONSE_LENGTH || inner.length < 1 + RESPONSE_LENGTH)
      return this.#host.count("malformed");
    this.#proofGiven(now, inner.subarray(1, 1 + RESPONSE_LENGTH), inner.subarray(1 + RESPONSE_LENGTH));
  }

  /** The peer would rather have another method (RFC 3748 §5.3.1); once, and of those that we take. */
  #eapNak(now: number, wanted: Uint8Array) {
    const other: AuthMethod = this.method === "eap-md5" ? "eap-mschap-v2" : "eap-md5";
    const type = other === "eap-md5" ? EAP_TYPE.md5 : EAP_TYPE.mschapV2;
    if (!this.#peer.methods.includes(other) || !wanted.includes(type) || --this.#attempts <= 0) {
      return this.#conclude(now, {
        accept: false,
        retry: false,
        message: "it takes none of our EAP methods",
      });
    }
    this.method = other;
    this.#ask(now);
  }

  /** EAP's MS-CHAPv2 has its outcome acknowledged; then EAP's own ends it. After a Failure with R=1 comes a new proof. */
  #receiveToldEap(now: number, type: number, value: Uint8Array) {
    if (type !== EAP_TYPE.mschapV2) return this.#host.count("unexpected");
    const accepted = this.#decision?.accept === true;
    if (value[0] === (accepted ? OPCODE.success : OPCODE.failure)) return this.#conclude(now);
    const inner = mschapV2Data(value);
    if (
      accepted ||
      value[0] !== OPCODE.response ||
      inner === undefined ||
      inner[0] !== RESPONSE_LENGTH ||
      this.#attempts <= 0
    ) {
      return this.#host.count("unexpected");
    }
    if (inner.length < 1 + RESPONSE_LENGTH) return this.#host.count("malformed");
    this.#proofGiven(now, inner.subarray(1, 1 + RESPONSE_LENGTH), inner.subarray(1 + RESPONSE_LENGTH));
  }

  #proof(name: Uint8Array) {
    return {
      name: textOf(name),
      nameOctets: name.slice(),
      proxied: false,
      trusted: false,
      again: this.#again,
    };
  }

  #proofGiven(now: number, response: Uint8Array, name: Uint8Array) {
    // Nobody is called nothing: such names matched empty entries elsewhere for years.
    if (name.length === 0) return this.#refuseAtOnce(now);
    // Who is asked again has nobody else's rights.
    if (this.#again && !same(name, octetsIn(this.#name)))
      return this.#conclude(now, { accept: false, retry: false, message: "Another name than before" });
    if (name.length > MAXIMUM_NAME) return this.#refuseAtOnce(now, "The name is too long");
    const { method } = this;
    if (method === "pap") return;
    this.#question(now, {
      method,
      identifier: this.#identifier,
      challenge: this.#challenge,
      response: response.slice(),
      ...this.#proof(name),
    });
  }

  #question(now: number, credentials: Credentials): void {
    this.stage = "deciding";
    this.deadline = now + this.#peer.decisionLimitMs;
    this.#name = keep(credentials.nameOctets);
    this.#host.ask(now, credentials);
  }

  #refuseAtOnce(now: number, message = "A name and a password are needed"): void {
    this.stage = "deciding";
    this.decide(now, { accept: false, message });
  }

  /** The answer to the question; ignored when none is open. */
  decide(now: number, decision: Decision) {
    if (this.stage !== "deciding") return;
    this.deadline = Number.POSITIVE_INFINITY;
    // Whoever was asked by the LAC may not be there any more to try again, and has to hear soon that it is over.
    const mayRetry = !this.#passedOn && !decision.accept && (decision.error ?? 691) === 691;
    const retry = !decision.accept && (decision.retry ?? mayRetry) && --this.#attempts > 0;
    this.#passedOn = false;
    this.#decision = decision;
    this.#answered = this.#identifier;
    if (this.#silent && decision.accept) {
      this.#silent = false;
      // For a peer that has not heard the LAC's: its repeat of the proof comes here.
      if (isChap(this.method)) this.#sent = keep(this.#chapVerdict(decision));
      return this.#finish(now);
    }
    this.#silent = false;
    if (this.method === "pap") {
      this.#sent = NOTHING;
      this.#answerPap(decision);
      if (!retry) return this.#finish(now);
      this.stage = "asked";
      return;
    }
    if (this.method === "eap-mschap-v2") return this.#tell(now, decision, retry);
    if (retry && (this.method === "mschap-v1" || this.method === "mschap-v2")) {
      // The next try answers the challenge in this Failure, with the next identifier (RFC 2759 §6).
      this.#newChallenge();
      this.#sent = keep(encodePacket(OPCODE.failure, this.#identifier, this.#failureText(decision, true)));
      this.#identifier = (this.#identifier + 1) & 255;
      this.stage = "asked";
      this.#transmissions = 0;
      return this.#transmit(now);
    }
    this.#conclude(now);
  }

  #failureText(decision: Decision, retry: boolean): Uint8Array {
    const error = decision.accept ? 691 : (decision.error ?? 691);
    return textOctets(formatFailure(error, retry, this.#challenge, decision.message ?? ""));
  }

  #successText(decision: Decision): Uint8Array {
    const proof = decision.accept ? (decision.authenticatorResponse ?? "") : "";
    return textOctets(decision.message ? `${proof} M=${decision.message}` : proof);
  }

  /** EAP's MS-CHAPv2: the outcome is a request of its own. */
  #tell(now: number, decision: Decision, retry: boolean): void {
    const mschapIdentifier = this.#identifier;
    this.#identifier = (this.#identifier + 1) & 255;
    if (!decision.accept) this.#newChallenge();
    if (!retry) this.#attempts = decision.accept ? this.#attempts : 0;
    const code = decision.accept ? OPCODE.success : OPCODE.failure;
    const text = decision.accept ? this.#successText(decision) : this.#failureText(decision, retry);
    const packet = mschapV2Packet(code, mschapIdentifier, text);
    this.#sent = keep(eapRequest(this.#identifier, EAP_TYPE.mschapV2, packet));
    this.stage = "told";
    this.#transmissions = 0;
    this.#transmit(now);
  }

  #answerPap(decision: Decision): void {
    const message = textOctets(decision.message ?? "").subarray(0, 255);
    const data = concat(Uint8Array.of(message.length), message);
    this.#host.transmit(protocolOf("pap"), encodePacket(decision.accept ? 2 : 3, this.#identifier, data));
  }

  /** Sends the last word of CHAP or EAP and ends. */
  #conclude(now: number, decision: Decision | undefined = this.#decision): void {
    if (decision === undefined) return;
    this.#decision = decision;
    this.#answered = this.#identifier;
    if (isChap(this.method)) this.#send(this.#chapVerdict(decision));
    else this.#send(encodePacket(decision.accept ? EAP.success : EAP.failure, this.#identifier, NO_OCTETS));
    this.#finish(now);
  }

  /** CHAP's Success or Failure. */
  #chapVerdict(decision: Decision): Uint8Array {
    const text =
      this.method === "chap-md5" || decision.accept
        ? this.method === "mschap-v2"
          ? this.#successText(decision)
          : textOctets(decision.message ?? "")
        : this.#failureText(decision, false);
    return encodePacket(decision.accept ? OPCODE.success : OPCODE.failure, this.#identifier, text);
  }

  #finish(now: number) {
    const decision = this.#decision;
    if (decision?.accept !== true) return this.#fail(now, decision?.message || "refused");
    this.stage = "done";
    this.limit = Number.POSITIVE_INFINITY;
    // At rest: what repeats of the proof are answered with, and nothing that was secret.
    this.#challenge = NO_OCTETS;
    this.#decision = decision.message === undefined ? SILENT : { accept: true, message: decision.message };
    // At random about the interval, so that nobody knows when (RFC 1994 §1.1).
    const { rechallengeMs } = this.#peer;
    const spread = (this.#host.random(1)[0] as number) / 512;
    this.deadline =
      rechallengeMs === 0 || this.method === "pap"
        ? Number.POSITIVE_INFINITY
        : now + Math.max(1, Math.round(rechallengeMs * (0.75 + spread)));
    this.#host.peerProved(now, textOf(octetsIn(this.#name)), decision);
  }

  #fail(now: number, why: string): void {
    this.stage = "failed";
    this.deadline = Number.POSITIVE_INFINITY;
    this.limit = Number.POSITIVE_INFINITY;
    this.#host.peerFailed(now, why);
  }
}

/** A request of EAP: type and what belongs to it. */
const eapRequest = (identifier: number, type: number, data: Uint8Array): Uint8Array =>
  encodePacket(EAP.request, identifier, concat(Uint8Array.of(type), data));

/** OpCode, MS-CHAPv2-ID and MS-Length before the data, as EAP's MS-CHAPv2 has them. */
export function mschapV2Packet(code: number, identifier: number, data: Uint8Array): Uint8Array {
  const packet = concat(Uint8Array.of(code, identifier, 0, 0), data);
  putU16(packet, 2, packet.length);
  return packet;
}

/** What is behind those; `undefined` when the length is wrong. Success and Failure come back as one octet. */
export function mschapV2Data(packet: Uint8Array): Uint8Array | undefined {
  if (packet.length < 4) return undefined;
  const length = u16At(packet, 2);
  return length < 4 || length > packet.length ? undefined : packet.subarray(4, length);
}
