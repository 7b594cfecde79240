/** Proxy LCP and authentication (RFC 2661 §4.4.5): what a LAC has agreed with the caller, for PPP at the LNS. */
import type { Message } from "@l2tp/protocol";

type Connected = Message<"ICCN", 2>;

/** The AVPs in question. The response may be a password in clear. */
const NAMES = [
  "initialReceivedLcpConfreq",
  "lastSentLcpConfreq",
  "lastReceivedLcpConfreq",
  "proxyAuthenType",
  "proxyAuthenName",
  "proxyAuthenChallenge",
  "proxyAuthenId",
  "proxyAuthenResponse",
] as const satisfies readonly (keyof Connected)[];

/** Values of Proxy Authen Type. */
export const PROXY_AUTHEN_TYPE = { text: 1, chap: 2, pap: 3, none: 4, mschapv1: 5 } as const;

/** What is missing of proxy authentication of a type (RFC 2661 §4.4.5 MUST be present). */
const REQUIRED: Readonly<Record<number, readonly (keyof Connected)[]>> = {
  1: ["proxyAuthenName", "proxyAuthenResponse"],
  2: ["proxyAuthenName", "proxyAuthenChallenge", "proxyAuthenId", "proxyAuthenResponse"],
  3: ["proxyAuthenName", "proxyAuthenId", "proxyAuthenResponse"],
  4: [],
  5: ["proxyAuthenName", "proxyAuthenChallenge", "proxyAuthenId", "proxyAuthenResponse"],
};

/** The AVPs of an ICCN that have it. */
export type ProxyAvps = Pick<Connected, (typeof NAMES)[number]>;

/** Proxy information of one call. Shows nothing of itself in logs. */
export class ProxyInformation {
  /** Bodies of LCP Configure-Requests, from the first option. */
  readonly initialReceivedLcpConfreq: Uint8Array | undefined;
  readonly lastSentLcpConfreq: Uint8Array | undefined;
  readonly lastReceivedLcpConfreq: Uint8Array | undefined;
  /** One of {@link PROXY_AUTHEN_TYPE}; undefined: the LAC cannot do proxy authentication. */
  readonly authenType: number | undefined;
  readonly authenName: string | undefined;
  readonly authenChallenge: Uint8Array | undefined;
  /** Identifier of the PPP packet, 0 … 255. */
  readonly authenId: number | undefined;
  readonly #authenResponse: Uint8Array | undefined;

  constructor(connected: ProxyAvps) {
    this.initialReceivedLcpConfreq = connected.initialReceivedLcpConfreq;
    this.lastSentLcpConfreq = connected.lastSentLcpConfreq;
    this.lastReceivedLcpConfreq = connected.lastReceivedLcpConfreq;
    this.authenType = connected.proxyAuthenType;
    this.authenName = connected.proxyAuthenName;
    this.authenChallenge = connected.proxyAuthenChallenge;
    this.authenId = connected.proxyAuthenId?.id;
    this.#authenResponse = connected.proxyAuthenResponse;
  }

  /** The caller's response, or its password in clear (types 1 and 3). A secret: not for logs. */
  get authenResponse(): Uint8Array | undefined {
    return this.#authenResponse;
  }

  toJSON(): Record<string, unknown> {
    const { authenType, authenName, authenId } = this;
    return { authenType, authenName, authenId, authenResponse: "[secret]" };
  }

  toString(): string {
    return "[proxy information]";
  }
}

/** @returns the proxy information of an ICCN, and the ICCN without it. */
export function splitProxy(connected: Connected): {
  readonly connected: Connected;
  readonly proxy: ProxyInformation | undefined;
} {
  if (!NAMES.some((name) => connected[name] !== undefined)) return { connected, proxy: undefined };
  const rest: Record<string, unknown> = { ...connected };
  for (const name of NAMES) delete rest[name];
  return { connected: rest as unknown as Connected, proxy: new ProxyInformation(connected) };
}

/** @returns names of AVPs that the Proxy Authen Type requires and that are not there. */
export function missingProxyAvps(connected: Partial<Connected>): readonly string[] {
  const type = connected.proxyAuthenType;
  if (type === undefined) return [];
  return (REQUIRED[type] ?? []).filter((name) => connected[name] === undefined);
}
