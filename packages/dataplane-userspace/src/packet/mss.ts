/** Lowers the Maximum Segment Size that a TCP SYN announces (RFC 9293 §3.7.1) to what fits into the tunnel. */
import { TCP, TcpFrame } from "./frame.ts";

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
/** IP header and TCP header without options: what the MSS does not count. */
const HEADERS_V4 = 40;
const HEADERS_V6 = 60;

/** How the MSS is to be limited: from the interface's MTU, or to a fixed number of octets. */
export interface MssLimits {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** The limits that `MtuPolicy.clampMss` asks for; `undefined` when it asks for none. */
export function mssLimits(clamp: boolean | number | undefined, mtuOctets: number): MssLimits | undefined {
  if (clamp === undefined || clamp === false) return undefined;
  if (typeof clamp === "number") return { ipv4: clamp, ipv6: clamp };
  return { ipv4: mtuOctets - HEADERS_V4, ipv6: mtuOctets - HEADERS_V6 };
}

/** Clamps frames in one memory. */
export class MssClamp {
  readonly #view: DataView;
  readonly #at: TcpFrame;

  constructor(view: DataView) {
    this.#view = view;
    this.#at = new TcpFrame(view);
  }

  /**
   * Lowers the MSS of the frame if it is a SYN that announces more, and corrects its checksum.
   *
   * @param bare - an IP packet without Ethernet header.
   * @param partial - the checksum field holds only the sum of the pseudo-header (`NEEDS_CSUM`), which the MSS
   * is no part of: leave it.
   * @returns whether the frame was changed.
   */
  clamp(offset: number, length: number, ipv4: number, ipv6: number, partial: boolean, bare = false): boolean {
    const view = this.#view;
    const at = this.#at;
    if (!at.locate(offset, length, bare) || (view.getUint8(at.tcp + 13) & TCP.syn) === 0) return false;
    const limit = at.family === 4 ? ipv4 : ipv6;
    for (let option = at.tcp + 20; option < at.payload; ) {
      const kind = view.getUint8(option);
      if (kind === OPTION_END) return false;
      if (kind === OPTION_NOP) {
        option++;
        continue;
      }
      if (option + 2 > at.payload) return false;
      const size = view.getUint8(option + 1);
      if (size < 2 || option + size > at.payload) return false;
      if (kind === OPTION_MSS && size === 4) {
        const old = view.getUint16(option + 2);
        if (old <= limit) return false;
        view.setUint16(option + 2, limit);
        if (!partial) this.#correct(at.tcp + 16, old, limit, (option + 2 - at.tcp) % 2 === 1);
        return true;
      }
      option += size;
    }
    return false;
  }

  /** RFC 1624 §3, equation 3: HC' = ~(~HC + ~m + m'). An option at an odd place has its octets swapped. */
  #correct(field: number, old: number, now: number, odd: boolean): void {
    const from = odd ? ((old & 0xff) << 8) | (old >>> 8) : old;
    const to = odd ? ((now & 0xff) << 8) | (now >>> 8) : now;
    let sum = (~this.#view.getUint16(field) & 0xffff) + (~from & 0xffff) + to;
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    this.#view.setUint16(field, ~sum & 0xffff);
  }
}
