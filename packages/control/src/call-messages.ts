/** The messages of calls as we send them, and the checks on what goes in. */
import { encodeMessage, FRAMING, type Message } from "@l2tp/protocol";
import { ControlError } from "./errors.ts";
import type { MessageOf } from "./message-of.ts";
import type { IncomingConnectedAvps, OutgoingConnectedAvps, SessionOpening } from "./parameters.ts";
import { missingProxyAvps } from "./proxy.ts";
import type { Session, Tunnel } from "./state.ts";

/** What a CDN of ours says. */
export interface CdnFacts {
  readonly result: number;
  readonly error?: number;
  readonly text?: string;
  readonly q931?: { readonly cause: number; readonly message: number; readonly text?: string };
  /** PPP Disconnect Cause Code (RFC 3145). */
  readonly disconnect?: {
    readonly code: number;
    readonly protocol: number;
    readonly direction: 0 | 1 | 2;
    readonly text?: string;
  };
}

/** Result Codes of CDN (RFC 2661 §4.4.2). */
export const CDN = {
  lostCarrier: { result: 1 },
  noResources: { result: 2, error: 4 },
  tryAnother: { result: 2, error: 7 },
  badValue: { result: 2, error: 3 },
  badSession: { result: 2, error: 5 },
  administrative: { result: 3 },
  temporary: { result: 4 },
  permanent: { result: 5 },
  timeout: { result: 10 },
} as const;

/** What a software LAC says of its "line" when nobody says anything else. */
const DEFAULT_SPEED_BPS = 1_000_000_000;

/** Any ID: parameters are tried on a message before they are kept. */
const TRIAL = { tunnelId: 1, sessionId: 1, ns: 0, nr: 0 } as const;

export function icrq(session: Session): Message<"ICRQ", 2> {
  const opening = session.setup?.opening;
  return {
    version: 2,
    type: "ICRQ",
    assignedSessionId: session.sessionId,
    callSerialNumber: session.callSerialNumber,
    ...(opening?.kind === "incoming" ? opening.request : {}),
  };
}

/** An ICCN; speed and framing have defaults, the framing one that the peer can do. */
export function iccn(
  connected: Partial<IncomingConnectedAvps> | undefined,
  tunnel: Tunnel | undefined,
): Message<"ICCN", 2> {
  return { version: 2, type: "ICCN", ...line(tunnel, connected) };
}

export function ocrq(session: Session): Message<"OCRQ", 2> {
  const opening = session.setup?.opening as Extract<SessionOpening, { kind: "outgoing" }>;
  return {
    version: 2,
    type: "OCRQ",
    assignedSessionId: session.sessionId,
    callSerialNumber: session.callSerialNumber,
    ...opening.request,
  };
}

export function occn(
  connected: Partial<OutgoingConnectedAvps> | undefined,
  tunnel: Tunnel | undefined,
): Message<"OCCN", 2> {
  return { version: 2, type: "OCCN", ...line(tunnel, connected) };
}

/** What is said of a line, and what it is like when nobody says anything: framed as the peer can take it. */
function line<Avps extends object>(tunnel: Tunnel | undefined, connected: Avps | undefined) {
  const can = tunnel?.facts?.framingCapabilities ?? FRAMING.synchronous;
  const framingType: number = can === FRAMING.asynchronous ? FRAMING.asynchronous : FRAMING.synchronous;
  return { txConnectSpeedBps: DEFAULT_SPEED_BPS, framingType, ...connected };
}

export function cdn(
  assignedSessionId: number,
  { result, error, text, q931, disconnect }: CdnFacts,
): Message<"CDN", 2> {
  const errorCode = error ?? (text === undefined ? undefined : 0);
  return {
    version: 2,
    type: "CDN",
    resultCode: {
      resultCode: result,
      ...(errorCode !== undefined && { errorCode }),
      ...(text !== undefined && { errorMessage: text }),
    },
    assignedSessionId,
    ...(q931 !== undefined && {
      q931CauseCode: {
        causeCode: q931.cause,
        causeMessage: q931.message,
        ...(q931.text !== undefined && { advisoryMessage: q931.text }),
      },
    }),
    ...(disconnect !== undefined && {
      pppDisconnectCauseCode: {
        disconnectCode: disconnect.code,
        controlProtocolNumber: disconnect.protocol,
        direction: disconnect.direction,
        ...(disconnect.text !== undefined && { message: disconnect.text }),
      },
    }),
  };
}

/** Tries what a caller wants to say in a call. @throws ControlError, EncodeError naming the AVP. */
export function tryOpening(opening: SessionOpening): void {
  const common = { assignedSessionId: 1, callSerialNumber: opening.callSerialNumber ?? 0 };
  if (opening.kind === "outgoing") {
    encodeMessage({ version: 2, type: "OCRQ", ...common, ...opening.request }, TRIAL);
    return;
  }
  encodeMessage({ version: 2, type: "ICRQ", ...common, ...opening.request }, TRIAL);
  encodeMessage(iccn(opening.connected, undefined), TRIAL);
  const missing = missingProxyAvps(opening.connected ?? {});
  if (missing.length === 0) return;
  throw new ControlError(
    "ERR_L2TP_PARAMETER",
    `connected: proxyAuthenType ${opening.connected?.proxyAuthenType} needs ${missing.join(", ")} as well`,
  );
}

/** Tries any message of a call. @throws EncodeError naming the AVP. */
export function tryMessage(
  message: MessageOf<"ICRP" | "OCRP" | "OCCN" | "CDN" | "SLI" | "WEN" | "CSUN">,
): void {
  encodeMessage(message as Message<"CDN", 2>, TRIAL);
}
