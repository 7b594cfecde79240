/** The header of a session's messages, made from what it was created with. */
import type { SessionPlaneParameters } from "@l2tp/dataplane";
import type { Encapsulation, L2tpVersion } from "@l2tp/protocol";
import { MAX_DATA_HEADER, writeDataHeader } from "./packet/data-header.ts";
import type { HeaderRecord } from "./worker/messages.ts";

/** @param tunnel - of the session; its ID at the peer is in every message of L2TPv2. */
export function headerRecord(
  encapsulation: Encapsulation,
  tunnel: { readonly version: L2tpVersion; readonly peerTunnelId: number },
  parameters: SessionPlaneParameters,
): HeaderRecord {
  const { version, peerTunnelId } = tunnel;
  const { peerSessionId, peerCookie, sendSequence } = parameters;
  const sublayer = parameters.l2SpecificSublayer === "default";
  const octets = new Uint8Array(MAX_DATA_HEADER);
  const length = writeDataHeader(new DataView(octets.buffer), 0, {
    version,
    encapsulation,
    peerTunnelId,
    peerSessionId,
    peerCookie,
    sublayer,
    sequence: sendSequence,
  });
  return { octets: octets.slice(0, length), version, sequence: sendSequence && (version === 2 || sublayer) };
}
