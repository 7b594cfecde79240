/** The messages of a control connection as we send them (RFC 2661 §6.1 … §6.4). */
import { encodeMessage, type Message } from "@l2tp/protocol";
import type { TunnelSettings } from "./parameters.ts";

/** What a StopCCN of ours says. */
export interface StopFacts {
  readonly result: number;
  readonly error?: number;
  readonly text?: string;
}

/** Result Codes of StopCCN (RFC 2661 §4.4.2). */
export const STOP = {
  cleared: { result: 1 },
  noResources: { result: 2, error: 4 },
  tryAnother: { result: 2, error: 7 },
  notAuthorized: { result: 4 },
  shutDown: { result: 6 },
  stateMachine: { result: 7 },
} as const;

const PROTOCOL_VERSION = { version: 1, revision: 0 } as const;

/** An SCCRQ; its challenge, where it has one, is still to be drawn. */
export function sccrq(
  settings: TunnelSettings,
  assignedTunnelId: number,
  tieBreaker: bigint | undefined,
  challenge: boolean,
): Message<"SCCRQ", 2> {
  return {
    version: 2,
    type: "SCCRQ",
    protocolVersion: PROTOCOL_VERSION,
    hostName: settings.hostName,
    framingCapabilities: settings.framingCapabilities,
    assignedTunnelId,
    ...common(settings),
    ...(challenge && { challenge: new Uint8Array(16) }),
    ...(tieBreaker !== undefined && { tieBreaker }),
  };
}

/** An SCCRP. */
export function sccrp(
  settings: TunnelSettings,
  assignedTunnelId: number,
  challenge: Uint8Array | undefined,
  challengeResponse: Uint8Array | undefined,
): Message<"SCCRP", 2> {
  return {
    version: 2,
    type: "SCCRP",
    protocolVersion: PROTOCOL_VERSION,
    framingCapabilities: settings.framingCapabilities,
    hostName: settings.hostName,
    assignedTunnelId,
    ...common(settings),
    ...(challenge !== undefined && { challenge }),
    ...(challengeResponse !== undefined && { challengeResponse }),
  };
}

function common(settings: TunnelSettings) {
  return {
    receiveWindowSize: settings.transport.windowSize,
    ...(settings.bearerCapabilities !== 0 && { bearerCapabilities: settings.bearerCapabilities }),
    ...(settings.firmwareRevision !== undefined && { firmwareRevision: settings.firmwareRevision }),
    ...(settings.vendorName !== "" && { vendorName: settings.vendorName }),
    ...settings.capabilities,
  };
}

/** Tries what a StopCCN is to say. @throws EncodeError. */
export function tryStop(stop: StopFacts): void {
  encodeMessage(stopMessage(1, stop), { tunnelId: 1, ns: 0, nr: 0 });
}

/** A StopCCN that says this. */
export function stopMessage(
  assignedTunnelId: number,
  { result, error, text }: StopFacts,
): Message<"StopCCN", 2> {
  // An Error Message needs an Error Code before it.
  const errorCode = error ?? (text === undefined ? undefined : 0);
  return {
    version: 2,
    type: "StopCCN",
    assignedTunnelId,
    resultCode: {
      resultCode: result,
      ...(errorCode !== undefined && { errorCode }),
      ...(text !== undefined && { errorMessage: text }),
    },
  };
}
