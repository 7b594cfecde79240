/**
 * One packet of a capture as a JSON value, for l2tpctl and the dashboard: everything that is there is shown,
 * also of a datagram that a receiver has to refuse. Unlike the decoder it keeps what later packets need:
 * challenges (RFC 2661 §5.1.1) and nonces (RFC 3931 §4.3).
 */

import { knownAvp } from "./compile.ts";
import { AVP_FLAG, AVP_HEADER, FLAG, SUBLAYER, TYPE } from "./constants.ts";
import { messageName } from "./messages.ts";
import { copyOf, equalConstantTime, fromHex, toHex, u16At, u32At } from "./octets.ts";
import {
  DIGEST_LENGTH,
  type DigestType,
  messageDigest,
  type Secret,
  SharedSecret,
  unmaskValue,
  verifyChallengeResponse,
} from "./secret.ts";
import type { Encapsulation, L2SpecificSublayer } from "./types.ts";

/** What the wire does not say. */
export interface InspectOptions {
  /** Octets of the cookie in L2TPv3 data; left out: none, and none is shown. */
  readonly cookieSize?: 0 | 4 | 8;
  /** Sublayer of L2TPv3 data; default none. */
  readonly sublayer?: L2SpecificSublayer;
  /** Opens hidden AVPs, checks challenge responses and digests. */
  readonly secret?: Secret;
}

/** Where a datagram came from: ends are told apart by address, and by port where there is one. */
export interface InspectSource {
  readonly encapsulation: Encapsulation;
  readonly src: string;
  readonly dst: string;
  readonly srcPort?: number;
  readonly dstPort?: number;
  /** Number of the frame in the capture, for `authentication.challengeFrame`. */
  readonly frame: number;
}

/** One AVP. */
export interface InspectedAvp {
  mandatory: boolean;
  hidden: boolean;
  /** Where they are not 0. */
  reservedBits?: number;
  /** The Length field, with the 6 octets of header. */
  length: number;
  vendor: number;
  type: number;
  /** As on the wire. */
  valueHex: string;
  name?: string;
  revealedHex?: string;
  originalLength?: number;
  paddingLength?: number;
  revealError?: string;
}

/** The header; which members there are depends on version and kind. */
export interface InspectedHeader {
  flagsHex?: string;
  flags?: { T: boolean; L: boolean; S: boolean; O: boolean; P: boolean; reserved: number };
  length?: number;
  ccid?: number;
  tunnelId?: number;
  sessionId?: number;
  ns?: number;
  nr?: number;
  offsetSize?: number;
  reserved?: number;
  cookieHex?: string;
  l2Specific?: { hex: string; S: boolean; sequence: number };
}

/** One packet. Plain JSON: numbers, strings, booleans, null. */
export interface InspectedPacket {
  datagramLength: number;
  /** `null`, or what is wrong: such a packet is refused. */
  malformed: string | null;
  version: number;
  control: boolean;
  type: "control" | "data";
  header: InspectedHeader;
  /** Octets after the end given by Length. */
  trailingBytes?: number;
  /** Control messages: value of the first AVP; 0 for a ZLB; null when the first AVP is no Message Type. */
  messageType?: number | null;
  messageName?: string | null;
  avps?: InspectedAvp[];
  /** L2TPv2: a Challenge Response, and whether it is right. */
  authentication?: {
    chapId: number;
    challengeFrame: number;
    challengeHex: string;
    responseHex: string;
    valid: boolean;
  };
  /** L2TPv3: each Message Digest, and whether it is right. */
  digests?: { digestType: number; digestHex: string; valid: boolean }[];
  payloadLength: number;
  /** The first 64 octets. */
  payloadHex: string;
}

/** How many octets of a payload are shown. */
const SHOWN = 64;
/** How many ends' challenges and nonces are kept; a capture with more forgets the oldest. */
const REMEMBERED = 10_000;

/** Inspects the packets of one capture, in their order. */
export class Inspector {
  readonly #options: InspectOptions;
  readonly #secret: SharedSecret | undefined;
  readonly #challenges = new Map<string, { frame: number; octets: Uint8Array }>();
  readonly #nonces = new Map<string, Uint8Array>();

  constructor(options: InspectOptions = {}) {
    this.#options = options;
    this.#secret = options.secret === undefined ? undefined : SharedSecret.from(options.secret);
  }

  /** Everything in one datagram. Never throws, on any octets. */
  inspect(datagram: Uint8Array, source: InspectSource): InspectedPacket {
    const overIp = source.encapsulation === "ip";
    if (overIp && (datagram.length < 4 || u32At(datagram, 0) !== 0)) {
      return this.#overIp(datagram);
    }
    const from = overIp ? 4 : 0;
    if (datagram.length < from + 2) return broken(datagram, "the datagram ends inside the header");
    const word = u16At(datagram, from);
    const control = (word & FLAG.T) !== 0;
    const version = word & FLAG.version;
    const header: InspectedHeader = {
      flagsHex: toHex(datagram, from, from + 2),
      flags: {
        T: control,
        L: (word & FLAG.L) !== 0,
        S: (word & FLAG.S) !== 0,
        O: (word & FLAG.O) !== 0,
        P: (word & FLAG.P) !== 0,
        reserved: word & FLAG.reserved,
      },
    };
    const packet: InspectedPacket = {
      datagramLength: datagram.length,
      malformed: null,
      version,
      control,
      type: control ? "control" : "data",
      header,
      payloadLength: 0,
      payloadHex: "",
    };
    if (version !== 2 && version !== 3) {
      spoil(packet, `version ${version} is neither 2 nor 3`);
      return packet;
    }
    if (version === 3 && !control) {
      if (datagram.length < from + 8) {
        spoil(packet, "the datagram ends inside the header");
        return packet;
      }
      header.reserved = u16At(datagram, from + 2);
      header.sessionId = u32At(datagram, from + 4);
      this.#v3Data(packet, datagram, from + 8);
      return packet;
    }
    this.#withIds(packet, datagram, from, source);
    return packet;
  }

  #overIp(datagram: Uint8Array): InspectedPacket {
    if (datagram.length < 4) return broken(datagram, "the datagram ends inside the Session ID");
    const packet: InspectedPacket = {
      datagramLength: datagram.length,
      malformed: null,
      version: 3,
      control: false,
      type: "data",
      header: { sessionId: u32At(datagram, 0) },
      payloadLength: 0,
      payloadHex: "",
    };
    this.#v3Data(packet, datagram, 4);
    return packet;
  }

  #v3Data(packet: InspectedPacket, datagram: Uint8Array, at: number): void {
    const { cookieSize, sublayer } = this.#options;
    const need = (cookieSize ?? 0) + (sublayer === "default" ? 4 : 0);
    if (datagram.length - at < need) spoil(packet, "the datagram ends inside cookie or sublayer");
    if (packet.header.sessionId === 0) spoil(packet, "data on session 0");
    if (cookieSize !== undefined) {
      packet.header.cookieHex = toHex(datagram, at, Math.min(at + cookieSize, datagram.length));
      at += cookieSize;
    }
    if (sublayer === "default" && datagram.length - at >= 4) {
      const word = u32At(datagram, at);
      packet.header.l2Specific = {
        hex: toHex(datagram, at, at + 4),
        S: (word & SUBLAYER.S) !== 0,
        sequence: word & SUBLAYER.sequence,
      };
      at += 4;
    }
    payload(packet, datagram, Math.min(at, datagram.length), datagram.length);
  }

  /** Headers with Length, IDs, Ns, Nr and Offset Size: v2, and v3 control messages. */
  #withIds(packet: InspectedPacket, datagram: Uint8Array, from: number, source: InspectSource): void {
    const { header, control, version } = packet;
    const { L, S, O } = header.flags as NonNullable<InspectedHeader["flags"]>;
    let at = from + 2;
    const next = (size: 2 | 4): number | undefined => {
      at += size;
      if (at > datagram.length) return undefined;
      return size === 2 ? u16At(datagram, at - 2) : u32At(datagram, at - 4);
    };
    const put = (
      name: "length" | "ccid" | "tunnelId" | "sessionId" | "ns" | "nr" | "offsetSize",
      size: 2 | 4,
    ) => {
      const value = next(size);
      if (value !== undefined) header[name] = value;
      return value;
    };
    const length = L ? put("length", 2) : undefined;
    if (version === 3) put("ccid", 4);
    else {
      put("tunnelId", 2);
      put("sessionId", 2);
    }
    if (S) {
      put("ns", 2);
      put("nr", 2);
    }
    if (version === 2 && O) {
      const padding = put("offsetSize", 2) ?? 0;
      at += padding;
    }
    let end = datagram.length;
    if (length !== undefined && from + length < end) {
      packet.trailingBytes = end - (from + length);
      end = from + length;
    } else if (length !== undefined && from + length > end) {
      spoil(packet, `length ${length} exceeds datagram (${end - from} octets)`);
    }
    if (at > end) spoil(packet, "header runs past the end of the message");
    if (control && !(L && S)) spoil(packet, "a control message without Length or without Ns and Nr");
    if (control && version === 2 && O) spoil(packet, "a control message with an Offset");
    if (control) this.#avps(packet, datagram, from, at, end, source);
    else payload(packet, datagram, Math.min(at, end), end);
  }

  #avps(
    packet: InspectedPacket,
    datagram: Uint8Array,
    from: number,
    at: number,
    end: number,
    source: InspectSource,
  ): void {
    const body = at;
    const avps: InspectedAvp[] = [];
    const places: number[] = [];
    let fault: string | undefined;
    while (at < end) {
      if (end - at < AVP_HEADER) {
        fault = `truncated AVP header at ${at} (${end - at} octets left)`;
        break;
      }
      const word = u16At(datagram, at);
      const length = word & AVP_FLAG.length;
      const vendor = u16At(datagram, at + 2);
      const type = u16At(datagram, at + 4);
      const name = knownAvp(packet.version, vendor, type)?.row.name;
      const reservedBits = (word & AVP_FLAG.reserved) >> 10;
      avps.push({
        mandatory: (word & AVP_FLAG.mandatory) !== 0,
        hidden: (word & AVP_FLAG.hidden) !== 0,
        ...(reservedBits !== 0 && { reservedBits }),
        length,
        vendor,
        type,
        valueHex: toHex(datagram, at + AVP_HEADER, Math.min(at + Math.max(length, AVP_HEADER), end)),
        ...(name !== undefined && { name }),
      });
      places.push(at);
      if (length < AVP_HEADER) fault = `AVP length ${length} < 6 at ${at}`;
      else if (at + length > end) fault = `AVP at ${at} runs past the end of the message`;
      if (fault !== undefined) break;
      at += length;
    }
    if (fault !== undefined) spoil(packet, fault);
    const first = avps[0];
    packet.messageType =
      first === undefined
        ? fault === undefined && body === end
          ? 0
          : null
        : first.vendor === 0 &&
            first.type === TYPE.messageType &&
            first.valueHex.length === 4 &&
            !first.hidden
          ? Number.parseInt(first.valueHex, 16)
          : null;
    packet.messageName =
      packet.messageType === 0 && first === undefined
        ? "ZLB"
        : packet.messageType === null
          ? null
          : (messageName(packet.messageType) ?? null);
    packet.avps = avps;
    if (this.#secret === undefined) return;
    reveal(avps, this.#secret.hidingKey(packet.version === 2 ? 2 : 3));
    if (packet.version === 2) this.#authenticate(packet, avps, source, this.#secret);
    else this.#digests(packet, avps, places, datagram.subarray(from, end), from, source, this.#secret);
  }

  #authenticate(
    packet: InspectedPacket,
    avps: InspectedAvp[],
    source: InspectSource,
    secret: SharedSecret,
  ): void {
    for (const avp of avps) {
      if (avp.vendor !== 0) continue;
      const value = fromHex(avp.revealedHex ?? avp.valueHex) as Uint8Array;
      if (avp.type === 11)
        remember(this.#challenges, `${source.src}>${source.dst}`, { frame: source.frame, octets: value });
      const challenge = avp.type === 13 ? this.#challenges.get(`${source.dst}>${source.src}`) : undefined;
      const chapId = packet.messageType;
      if (!challenge || typeof chapId !== "number") continue;
      packet.authentication = {
        chapId,
        challengeFrame: challenge.frame,
        challengeHex: toHex(challenge.octets),
        responseHex: toHex(value),
        valid:
          (chapId === 2 || chapId === 3) && verifyChallengeResponse(chapId, secret, challenge.octets, value),
      };
    }
  }

  #digests(
    packet: InspectedPacket,
    avps: InspectedAvp[],
    places: readonly number[],
    message: Uint8Array,
    from: number,
    source: InspectSource,
    secret: SharedSecret,
  ): void {
    const me = `${source.src} ${source.srcPort ?? 0}`;
    const peer = `${source.dst} ${source.dstPort ?? 0}`;
    const zeroed = copyOf(message);
    const found: Uint8Array[] = [];
    avps.forEach((avp, i) => {
      if (avp.vendor !== 0) return;
      const value = fromHex(avp.valueHex) as Uint8Array;
      if (avp.type === TYPE.nonce) remember(this.#nonces, me, value);
      if (avp.type !== TYPE.messageDigest || value.length < 2) return;
      found.push(value);
      const at = (places[i] as number) - from + AVP_HEADER + 1;
      zeroed.fill(0, at, at + value.length - 1);
    });
    if (found.length === 0) return;
    const sender = this.#nonces.get(me);
    const receiver = this.#nonces.get(peer);
    const nonces =
      packet.messageType === 1 ? {} : { ...(sender && { sender }), ...(receiver && { receiver }) };
    packet.digests = found.map((value) => {
      const digestType = value[0] as number;
      const digest = value.subarray(1);
      return {
        digestType,
        digestHex: toHex(digest),
        valid:
          DIGEST_LENGTH[digestType] === digest.length &&
          equalConstantTime(messageDigest(digestType as DigestType, secret, zeroed, nonces), digest),
      };
    });
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED) return;
  const [oldest] = map.keys();
  map.delete(oldest as string);
}

/** Opens hidden AVPs with the nearest Random Vector before each. */
function reveal(avps: InspectedAvp[], key: Uint8Array): void {
  let vector: Uint8Array | undefined;
  for (const avp of avps) {
    if (avp.vendor === 0 && avp.type === TYPE.randomVector) vector = fromHex(avp.valueHex);
    if (!avp.hidden) continue;
    if (vector === undefined) {
      avp.revealError = "no Random Vector";
      continue;
    }
    const open = unmaskValue(avp.type, key, vector, fromHex(avp.valueHex) as Uint8Array);
    const length = open.length < 2 ? 0 : u16At(open, 0);
    if (open.length < 2 || length > open.length - 2) {
      avp.revealError = `original length ${length} does not fit`;
      continue;
    }
    avp.originalLength = length;
    avp.paddingLength = open.length - 2 - length;
    avp.revealedHex = toHex(open, 2, 2 + length);
  }
}

function spoil(packet: InspectedPacket, why: string): void {
  packet.malformed = packet.malformed === null ? why : `${packet.malformed}; ${why}`;
}

function broken(datagram: Uint8Array, why: string): InspectedPacket {
  return {
    datagramLength: datagram.length,
    malformed: why,
    version: 0,
    control: false,
    type: "data",
    header: {},
    payloadLength: 0,
    payloadHex: "",
  };
}

function payload(packet: InspectedPacket, datagram: Uint8Array, at: number, end: number): void {
  packet.payloadLength = Math.max(0, end - at);
  packet.payloadHex = toHex(datagram, at, Math.min(at + SHOWN, end));
}
