/**
 * Which tunnel a control message is for: enough of the header to hand it on, at no cost worth naming. The
 * transport and the codec look at all of it.
 */

/** T, L and S bits, which every control message has (RFC 2661 §3.1, RFC 3931 §3.2.1). */
const CONTROL_FLAGS = 0xc8;

/** Octets of a control message's header, the same in both versions. */
const HEADER_OCTETS = 12;

/** @returns the tunnel ID (v2) or control connection ID (v3); undefined when this is no control message. */
export function controlTarget(datagram: Uint8Array): number | undefined {
  if (datagram.length < HEADER_OCTETS) return undefined;
  const [flags = 0, version = 0] = datagram;
  if ((flags & CONTROL_FLAGS) !== CONTROL_FLAGS) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  switch (version & 0x0f) {
    case 2:
      return view.getUint16(4);
    case 3:
      return view.getUint32(4);
    default:
      return undefined;
  }
}
