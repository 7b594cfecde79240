/** What a datagram decodes to. */

import type { AnyMessage } from "./messages.ts";
import { type RawAvp, readAvps } from "./raw-avp.ts";
import type { Encapsulation } from "./types.ts";

/** The header of an L2TPv2 control message (RFC 2661 §3.1). */
export interface ControlHeaderV2 {
  readonly version: 2;
  /** The first 16 bits, as received. */
  readonly flags: number;
  /** Octets of the message, header included. */
  readonly length: number;
  /** The receiver's ID of the tunnel; 0 while the sender does not know it. */
  readonly tunnelId: number;
  /** The receiver's ID of the session; 0 for messages of the tunnel. */
  readonly sessionId: number;
  readonly ns: number;
  readonly nr: number;
}

/** The header of an L2TPv3 control message (RFC 3931 §3.2.1). */
export interface ControlHeaderV3 {
  readonly version: 3;
  readonly flags: number;
  /** Octets of the message from its first bit, without the 4 zero octets that precede it over IP. */
  readonly length: number;
  /** The receiver's ID of the control connection; 0 while the sender does not know it. */
  readonly controlConnectionId: number;
  readonly ns: number;
  readonly nr: number;
}

/** The header of a control message; `version` tells which. */
export type ControlHeader = ControlHeaderV2 | ControlHeaderV3;

/** What is known of a control message's sender by its Message Digest (RFC 3931 §4.3). */
export type DigestCheck =
  /** There was none, and none was asked for. */
  | "absent"
  /** There was one, and no secret to check it with. */
  | "unchecked"
  /** It is right: the sender knows the secret (an empty secret: the octets are as sent). */
  | "verified";

/** A control message. */
export class ControlDatagram {
  readonly kind = "control";
  readonly header: ControlHeader;
  /** The typed message; `type` is `"ZLB"` when there is no AVP. */
  readonly message: AnyMessage;
  /** L2TPv3 only; `"absent"` in v2. */
  readonly digest: DigestCheck;
  /** Octets of the datagram behind the end that Length gives; they are ignored. */
  readonly trailing: number;
  /** The whole datagram: borrowed from the caller. */
  readonly octets: Uint8Array;
  /** Where the AVPs are in {@link octets}. */
  readonly avpsFrom: number;
  readonly avpsTo: number;

  constructor(
    header: ControlHeader,
    message: AnyMessage,
    digest: DigestCheck,
    trailing: number,
    octets: Uint8Array,
    avpsFrom: number,
    avpsTo: number,
  ) {
    this.header = header;
    this.message = message;
    this.digest = digest;
    this.trailing = trailing;
    this.octets = octets;
    this.avpsFrom = avpsFrom;
    this.avpsTo = avpsTo;
  }

  /** Every AVP as on the wire, in its order. Read from {@link octets} on each call. */
  get avps(): readonly RawAvp[] {
    return readAvps(this.octets, this.avpsFrom, this.avpsTo);
  }
}

/** The header of an L2TPv2 data message (RFC 2661 §3.1): what is there depends on the L, S and O bits. */
export interface DataHeaderV2 {
  readonly version: 2;
  /** The first 16 bits, as received; 0 in encoding unless reserved bits are wanted. */
  readonly flags: number;
  readonly length?: number;
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly ns?: number;
  /** Reserved in data messages; there when `ns` is. */
  readonly nr?: number;
  /** Octets of padding before the payload. */
  readonly offsetSize?: number;
  readonly priority: boolean;
}

/** The default L2-specific sublayer (RFC 3931 §4.6). */
export interface Sublayer {
  /** All 32 bits as received. */
  readonly word: number;
  /** The S bit: {@link sequence} counts. */
  readonly sequenced: boolean;
  /** 24 bits. */
  readonly sequence: number;
}

/** The header of an L2TPv3 data message over UDP or IP (RFC 3931 §4.1). */
export interface DataHeaderV3 {
  readonly version: 3;
  readonly encapsulation: Encapsulation;
  /** The first 16 bits; over UDP only. */
  readonly flags?: number;
  /** The 16 reserved bits behind them; over UDP only. */
  readonly reserved?: number;
  readonly sessionId: number;
  /** 0, 4 or 8 octets. */
  readonly cookie: Uint8Array;
  /** Where the session has the default sublayer. */
  readonly sublayer?: Sublayer;
}

/** A data message. */
export interface DataDatagram {
  readonly kind: "data";
  readonly header: DataHeaderV2 | DataHeaderV3;
  /** What it carries: a view into the datagram. */
  readonly payload: Uint8Array;
  /** Octets of the datagram behind the end that Length gives; they are ignored. */
  readonly trailing: number;
}

/** Anything that can arrive. */
export type Datagram = ControlDatagram | DataDatagram;
