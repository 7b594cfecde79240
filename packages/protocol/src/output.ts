/**
 * Where encoded datagrams are written, and live: small ones share an array, as a `Uint8Array` of its own costs
 * more than all the writing. They are written in place, one after the other; encoding does not re-enter itself.
 */
import { MAXIMUM_AVP, MAXIMUM_MESSAGE } from "./constants.ts";
import { EncodeError } from "./errors.ts";

/** Octets that datagrams share. One that is kept keeps all of them alive. */
const SLAB = 16384;

/**
 * The octets being written, and the same for numbers: V8 writes one of 32 bits at once. Asking for room with
 * {@link roomAt} may put others in their place.
 */
export const output: { octets: Uint8Array<ArrayBuffer>; view: DataView } = outputOf(SLAB);

/** Where the datagram being written begins. */
let start = 0;
/** What is before is taken. */
let taken = 0;

/** Begins a datagram. @returns where its first octet goes. */
export function beginDatagram(): number {
  start = taken;
  return roomAt(start);
}

/**
 * Makes sure that an AVP of any length fits at `at`.
 * @returns where it goes: `at`, or its like in a larger {@link output}.
 * @throws EncodeError when the message has become too long.
 */
export function roomAt(at: number): number {
  return at + MAXIMUM_AVP <= output.octets.length ? at : moved(at);
}

function outputOf(size: number): { octets: Uint8Array<ArrayBuffer>; view: DataView } {
  const octets = new Uint8Array(size);
  return { octets, view: new DataView(octets.buffer) };
}

/** The datagram begun goes on in an array of its own, with room for as much again. */
function moved(at: number): number {
  const size = at - start;
  if (size > MAXIMUM_MESSAGE) throw new EncodeError(`the message has more than ${MAXIMUM_MESSAGE} octets`);
  const larger = outputOf(Math.max(SLAB, 2 * (size + MAXIMUM_AVP)));
  // An array that somebody transferred to another thread has no octets left.
  if (size > 0) larger.octets.set(output.octets.subarray(start, at));
  output.octets = larger.octets;
  output.view = larger.view;
  start = 0;
  taken = 0;
  return size;
}

/** Where the datagram being written begins. */
export const datagramStart = (): number => start;

/** Ends the datagram before `end`; it belongs to the caller. */
export function takeDatagram(end: number): Uint8Array {
  taken = end;
  return output.octets.subarray(start, end);
}
