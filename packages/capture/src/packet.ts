/** A moment in a capture, as seconds since 1970-01-01 UTC and nanoseconds (0 to 999,999,999) after them. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** One packet (frame) of a capture file, still with its link layer. */
export interface CapturedPacket {
  /** Its number in the file, from 1, over all interfaces and sections: Wireshark's frame number. */
  readonly frame: number;
  /** When it was captured; a pcapng Simple Packet Block does not say. */
  readonly timestamp: Timestamp | undefined;
  /** Link type of its interface (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcaplinktype), 1 for Ethernet. */
  readonly linkType: number;
  /** Number of its interface within the section (pcapng); 0 in a pcap file. */
  readonly interfaceId: number;
  /** Octets that the packet had on the wire; more than `data.length` when the capture cut it (snap length). */
  readonly originalLength: number;
  /** The octets captured: a view into what was pushed into the reader, to be copied if it is to be kept. */
  readonly data: Uint8Array;
  /** The first comment on the packet (pcapng `opt_comment`). */
  readonly comment?: string;
}
