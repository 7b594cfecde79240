/** TCP segments that open connections, sent by a packet socket and looked at where they come out: what became of their MSS. */
import { type FrameSocket, until } from "../../../../tools/lab/src/index.ts";
import { checksumsHold, tcpFrame } from "../../../dataplane-userspace/test/support/frames.ts";

/** The two hosts between which they go. */
export const HOSTS = { left: ["192.0.2.1", "2001:db8::1"], right: ["192.0.2.2", "2001:db8::2"] } as const;
/** Where all frames are sent to: the first router's interface. */
export const ROUTER_MAC = "02:00:00:00:00:02";
export const TCP_FLAG = { syn: 0x02, rst: 0x04, ack: 0x10 } as const;

const ETHERNET_OCTETS = 14;
/** A cable may have to settle before it carries anything. */
const AGAIN_MS = 500;
let lastSequence = 0;

export interface SegmentWish {
  readonly to: keyof typeof HOSTS;
  readonly family: 4 | 6;
  readonly mss: number;
  /** Default: SYN. */
  readonly flags?: number;
  /** TCP options before the MSS. */
  readonly before?: readonly number[];
  readonly patienceMs?: number;
}

/** Sends one. @returns the MSS that arrives; throws when it does not, or with a wrong checksum */
export async function passSegment(
  sockets: Readonly<Record<keyof typeof HOSTS, FrameSocket>>,
  { to, family, mss, flags = TCP_FLAG.syn, before = [], patienceMs }: SegmentWish,
): Promise<number> {
  const sequence = ++lastSequence;
  const options = Uint8Array.of(...before, 2, 4, mss >>> 8, mss & 0xff);
  const rightwards = tcpFrame({ family, sequence, flags, options, payload: new Uint8Array() });
  const sent = to === "right" ? rightwards : returning(rightwards, family);
  const [from, at] = to === "right" ? [sockets.left, sockets.right] : [sockets.right, sockets.left];
  const tcp = ETHERNET_OCTETS + (family === 4 ? 20 : 40);
  const isIt = (frame: Uint8Array) =>
    frame.length > tcp + 20 &&
    frame[12] === sent[12] &&
    new DataView(frame.buffer, frame.byteOffset).getUint32(tcp + 4) === sequence;
  from.send(sent);
  const again = setInterval(() => from.send(sent), AGAIN_MS);
  try {
    const what = `a segment to the ${to}, IPv${family}`;
    await until(() => at.received.some(isIt), what, patienceMs);
  } finally {
    clearInterval(again);
  }
  const out = at.received.find(isIt) as Uint8Array;
  if (!checksumsHold(out)) throw new Error(`a checksum is wrong: ${Buffer.from(out).toString("hex")}`);
  const field = tcp + 20 + before.length + 2;
  return ((out[field] ?? 0) << 8) | (out[field + 1] ?? 0);
}

/** The other way: the addresses exchanged, which no checksum minds. */
function returning(frame: Uint8Array, family: 4 | 6): Uint8Array {
  const [source, octets] = family === 4 ? [ETHERNET_OCTETS + 12, 4] : [ETHERNET_OCTETS + 8, 16];
  const out = frame.slice();
  out.set(frame.subarray(source, source + octets), source + octets);
  out.set(frame.subarray(source + octets, source + 2 * octets), source);
  return out;
}
