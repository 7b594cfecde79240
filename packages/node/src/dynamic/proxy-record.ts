/**
 * What a LAC tells its LNS of PPP that it has begun with the caller (RFC 2661 §4.4.5): taken from the frames themselves, and
 * from what an earlier LAC has told us where PPP was taken over from there.
 */
import type { IncomingConnectedAvps, ProxyInformation } from "@l2tp/control";
import { PROXY_AUTHEN_TYPE } from "@l2tp/control";
import { CODE, PROTOCOL } from "@l2tp/ppp";

/** The AVPs 26 to 33. */
export type ProxyAvps = Pick<
  IncomingConnectedAvps,
  | "initialReceivedLcpConfreq"
  | "lastSentLcpConfreq"
  | "lastReceivedLcpConfreq"
  | "proxyAuthenType"
  | "proxyAuthenName"
  | "proxyAuthenChallenge"
  | "proxyAuthenId"
  | "proxyAuthenResponse"
>;

type Writable<T> = { -readonly [K in keyof T]?: T[K] };

/** Protocol, code, identifier and length; then the data. */
const HEADER = 6;
const CHAP = { challenge: 1, response: 2 } as const;
const PAP_REQUEST = 1;

/** Holds a password or a proof of one: not for logs. */
export class ProxyRecord {
  readonly #lcp: Writable<ProxyAvps> = {};
  #proof: Writable<ProxyAvps> = {};

  /** @param given - what an earlier LAC has told us. */
  constructor(given?: ProxyInformation) {
    if (given === undefined) return;
    const { initialReceivedLcpConfreq, lastSentLcpConfreq, lastReceivedLcpConfreq } = given;
    if (initialReceivedLcpConfreq) this.#lcp.initialReceivedLcpConfreq = initialReceivedLcpConfreq;
    if (lastSentLcpConfreq) this.#lcp.lastSentLcpConfreq = lastSentLcpConfreq;
    if (lastReceivedLcpConfreq) this.#lcp.lastReceivedLcpConfreq = lastReceivedLcpConfreq;
    const { authenType, authenName, authenChallenge, authenId, authenResponse } = given;
    if (authenType === undefined) return;
    this.#proof = {
      proxyAuthenType: authenType as NonNullable<ProxyAvps["proxyAuthenType"]>,
      ...(authenName !== undefined && { proxyAuthenName: authenName }),
      ...(authenChallenge && { proxyAuthenChallenge: authenChallenge }),
      ...(authenId !== undefined && { proxyAuthenId: { id: authenId } }),
      ...(authenResponse && { proxyAuthenResponse: authenResponse }),
    };
  }

  /** @param frame - protocol field first, two octets; `isOurs`: we send it. */
  hear(frame: Uint8Array, isOurs: boolean): void {
    if (frame.length < HEADER) return;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const protocol = view.getUint16(0);
    const code = view.getUint8(2);
    const identifier = view.getUint8(3);
    const end = 2 + view.getUint16(4);
    if (end < HEADER || end > frame.length) return;
    const data = frame.slice(HEADER, end);
    if (protocol === PROTOCOL.lcp && code === CODE.configureRequest) this.#request(data, isOurs);
    else if (protocol === PROTOCOL.pap && code === PAP_REQUEST && !isOurs) this.#pap(identifier, data);
    else if (protocol === PROTOCOL.chap) this.#chap(code, identifier, data, isOurs);
  }

  /** For the ICCN. Where a method has no AVPs (EAP), the LNS is told of LCP alone, and asks the caller itself. */
  get avps(): ProxyAvps {
    const proof = this.#proof;
    const isWhole =
      proof.proxyAuthenType === PROXY_AUTHEN_TYPE.none || proof.proxyAuthenResponse !== undefined;
    return { ...this.#lcp, ...(isWhole && proof) };
  }

  /** LCP begins, or begins anew: what was proved before counts no more. */
  #request(options: Uint8Array, isOurs: boolean): void {
    if (isOurs) this.#lcp.lastSentLcpConfreq = options;
    else {
      this.#lcp.initialReceivedLcpConfreq ??= options;
      this.#lcp.lastReceivedLcpConfreq = options;
    }
    this.#proof = {};
  }

  #pap(id: number, data: Uint8Array): void {
    const [name, rest] = counted(data);
    const [password] = counted(rest);
    this.#proof = {
      proxyAuthenType: PROXY_AUTHEN_TYPE.pap,
      proxyAuthenName: new TextDecoder().decode(name),
      proxyAuthenId: { id },
      proxyAuthenResponse: password,
    };
  }

  /** MS-CHAPv2 has no number of its own: LACs send it as CHAP, and the LNS knows it by the last Configure-Request. */
  #chap(code: number, id: number, data: Uint8Array, isOurs: boolean): void {
    const [value, name] = counted(data);
    if (code === CHAP.challenge && isOurs) {
      this.#proof = {
        proxyAuthenType: PROXY_AUTHEN_TYPE.chap,
        proxyAuthenChallenge: value,
        proxyAuthenId: { id },
      };
    } else if (code === CHAP.response && !isOurs && this.#proof.proxyAuthenId?.id === id) {
      this.#proof.proxyAuthenName = new TextDecoder().decode(name);
      this.#proof.proxyAuthenResponse = value;
    }
  }
}

/** An octet that says how many follow, and what is after these. */
function counted(data: Uint8Array): readonly [counted: Uint8Array, rest: Uint8Array] {
  const end = 1 + (data[0] ?? 0);
  return [data.subarray(1, end), data.subarray(end)];
}
