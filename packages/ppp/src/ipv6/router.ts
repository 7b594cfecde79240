/**
 * Router discovery on a PPP link (RFC 4861 §4.1, §4.2, §6; RFC 8106 for DNS): the router's side that tells a prefix, and the
 * host's that makes an address of it (RFC 4862 §5.5). IPv6 packets go in and come out; nothing is sent by itself.
 */
import { PppSettingError } from "../errors.ts";
import { formatIpv6, isLinkLocalIpv6, isUsableIpv6, linkLocal, parseIpv6 } from "../ip.ts";
import { concat, isZero, same, u16, u16At, u32, u32At } from "../octets.ts";
import { ALL_NODES, ALL_ROUTERS, decodeIpv6, encodeIcmpv6, type Ipv6Packet, NEXT_HEADER } from "./packet.ts";

const SOLICITATION = 133;
const ADVERTISEMENT = 134;
/** Options of RFC 4861 §4.6 and RFC 8106 §5.1. */
const OPTION = { sourceLinkLayer: 1, prefix: 3, mtu: 5, dns: 25 } as const;
/** RFC 4861 §10. */
const MAX_RTR_SOLICITATIONS = 3;
const RTR_SOLICITATION_INTERVAL_MS = 4000;
const MIN_DELAY_BETWEEN_RAS_MS = 3000;
const MAX_INITIAL_RTR_ADVERT_INTERVAL_MS = 16_000;
/**
 * The waits between the first MAX_INITIAL_RTR_ADVERTISEMENTS (3): the other end may have missed the first, as its own link was
 * being configured.
 */
const INITIAL_INTERVALS_MS: readonly number[] = [
  MIN_DELAY_BETWEEN_RAS_MS,
  MAX_INITIAL_RTR_ADVERT_INTERVAL_MS,
];
/** Options looked at in one advertisement. */
const MAXIMUM_OPTIONS = 64;
/** DNS servers that are told on: more are of no use, and fill logs and the environment of hooks. */
const MAXIMUM_SERVERS = 16;

/** What a router tells; all but the prefix has a default. */
export interface AdvertiserSettings {
  /** Our interface identifier, as IPV6CP agreed on it. */
  readonly identifier: Uint8Array;
  /** A /64 for addresses, as `2001:db8:1:2::/64`; `undefined`: only that we are a router. */
  readonly prefix?: string | undefined;
  readonly dns?: readonly string[];
  readonly mtu?: number | undefined;
  /** Addresses (managed), or only the rest (other), are to be had by DHCPv6. */
  readonly managed?: boolean;
  readonly other?: boolean;
  /** Seconds: 1800 as a router, 86400 valid and 14400 preferred for the prefix. */
  readonly lifetimeS?: number;
  readonly validS?: number;
  readonly preferredS?: number;
  /** Milliseconds between advertisements nobody asked for; 10 minutes. */
  readonly intervalMs?: number;
}

/** `prefix/length` as octets. @throws PppSettingError - no prefix, or bits behind its length. */
export function parsePrefix(text: string, key = "prefix"): { octets: Uint8Array; length: number } {
  const [address = "", bits = ""] = text.split("/");
  const octets = parseIpv6(address);
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) : 129;
  if (octets === undefined || length > 128)
    throw new PppSettingError(key, `must be a prefix such as 2001:db8::/64, not ${text}`);
  const stray = octets.some((octet, i) => (octet & (0xff >> Math.max(0, Math.min(8, length - 8 * i)))) !== 0);
  if (stray) throw new PppSettingError(key, `${text} has bits behind its length`);
  return { octets, length };
}

/** The router's side. */
export class RouterAdvertiser {
  readonly #settings: AdvertiserSettings;
  readonly #source: Uint8Array;
  readonly #message: Uint8Array;
  #due = Number.POSITIVE_INFINITY;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** When a solicitation was answered last. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** How many of {@link INITIAL_INTERVALS_MS} are over. */
  #initial = INITIAL_INTERVALS_MS.length;
  #out: Uint8Array[] = [];

  /** @throws PppSettingError - a prefix or server that is none. */
  constructor(settings: AdvertiserSettings) {
    this.#settings = settings;
    this.#source = linkLocal(settings.identifier);
    this.#message = advertisement(settings);
  }

  /** IPV6CP is up: tells at once, twice more soon (RFC 4861 §6.2.4), and from time to time. */
  start(now: number): void {
    this.#initial = 0;
    this.#advertise(now);
  }

  /** An IPv6 packet from the link; all but Router Solicitations are left alone. @returns whether it was one. */
  receive(now: number, octets: Uint8Array): boolean {
    const packet = decodeIpv6(octets);
    if (packet?.nextHeader !== NEXT_HEADER.icmpv6 || packet.payload[0] !== SOLICITATION) return false;
    if (isSolicitation(packet)) this.#answer(now, packet.source);
    return true;
  }

  handleTimeout(now: number): void {
    if (now >= this.#due) this.#advertise(now);
  }

  pollTimeout(): number | undefined {
    return this.#due === Number.POSITIVE_INFINITY ? undefined : this.#due;
  }

  /** The next IPv6 packet to send. */
  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  /**
   * To all, as §6.2.6 lets us, and not more often than it does. Who asks right after one that we sent by ourselves has missed
   * that, and is answered alone; who asks on and on gets the next one.
   */
  #answer(now: number, source: Uint8Array): void {
    const isOver = (at: number) => now - at >= MIN_DELAY_BETWEEN_RAS_MS;
    if (isOver(this.#lastAt)) this.#advertise(now);
    else if (isOver(this.#answeredAt) && isLinkLocalIpv6(source)) {
      this.#out.push(encodeIcmpv6(this.#source, source.slice(), this.#message.slice()));
    } else {
      this.#due = Math.min(this.#due, this.#lastAt + MIN_DELAY_BETWEEN_RAS_MS);
      return;
    }
    this.#answeredAt = now;
  }

  #advertise(now: number): void {
    this.#lastAt = now;
    const { intervalMs = 600_000 } = this.#settings;
    this.#due = now + Math.min(intervalMs, INITIAL_INTERVALS_MS[this.#initial] ?? intervalMs);
    this.#initial += 1;
    this.#out.push(encodeIcmpv6(this.#source, ALL_NODES, this.#message.slice()));
  }
}

/** RFC 4861 §6.1.1; who has no address yet has no link-layer address to tell either. */
function isSolicitation({ hopLimit, payload, source }: Ipv6Packet): boolean {
  if (hopLimit !== 255 || payload[1] !== 0 || payload.length < 8) return false;
  for (let at = 8; at < payload.length; ) {
    const length = 8 * (payload[at + 1] ?? 0);
    if (length === 0 || at + length > payload.length) return false;
    if (payload[at] === OPTION.sourceLinkLayer && isZero(source)) return false;
    at += length;
  }
  return true;
}

function advertisement(settings: AdvertiserSettings): Uint8Array {
  const { prefix, dns = [], mtu, lifetimeS = 1800, validS = 86_400, preferredS = 14_400 } = settings;
  const flags = (settings.managed ? 0x80 : 0) | (settings.other ? 0x40 : 0);
  const parts = [Uint8Array.of(ADVERTISEMENT, 0, 0, 0, 64, flags), u16(lifetimeS), u32(0), u32(0)];
  if (prefix !== undefined) {
    const { octets, length } = parsePrefix(prefix);
    // A: addresses may be made of it. Not on-link: the other end is the only neighbour.
    parts.push(Uint8Array.of(OPTION.prefix, 4, length, 0x40), u32(validS), u32(preferredS), u32(0), octets);
  }
  if (mtu !== undefined) parts.push(Uint8Array.of(OPTION.mtu, 1, 0, 0), u32(mtu));
  if (dns.length > 0) {
    parts.push(Uint8Array.of(OPTION.dns, 1 + 2 * dns.length, 0, 0), u32(lifetimeS));
    for (const [i, server] of dns.entries()) {
      const octets = parseIpv6(server);
      if (octets === undefined)
        throw new PppSettingError(`dns[${i}]`, `must be an IPv6 address, not ${server}`);
      parts.push(octets);
    }
  }
  return concat(...parts);
}

/** What a router told. */
export interface RouterInformation {
  /** Its link-local address. */
  readonly router: string;
  /** Seconds as default router; 0: it is none. */
  readonly lifetimeS: number;
  readonly managed: boolean;
  readonly other: boolean;
  readonly mtu: number | undefined;
  readonly dns: readonly string[];
  /** Addresses made of its prefixes and our identifier, and how long they are good for. */
  readonly addresses: readonly {
    readonly address: string;
    readonly validS: number;
    readonly preferredS: number;
  }[];
}

/** The host's side. */
export class RouterSolicitor {
  readonly #identifier: Uint8Array;
  readonly #source: Uint8Array;
  #sent = 0;
  #due = Number.POSITIVE_INFINITY;
  #out: Uint8Array[] = [];

  /** @param identifier - ours, as IPV6CP agreed on it. */
  constructor(identifier: Uint8Array) {
    this.#identifier = identifier.slice();
    this.#source = linkLocal(identifier);
  }

  /** IPV6CP is up: asks, three times at most. */
  start(now: number): void {
    this.#sent = 0;
    this.#ask(now);
  }

  handleTimeout(now: number): void {
    if (now >= this.#due) this.#ask(now);
  }

  pollTimeout(): number | undefined {
    return this.#due === Number.POSITIVE_INFINITY ? undefined : this.#due;
  }

  /** The next IPv6 packet to send. */
  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  /** An IPv6 packet from the link. @returns what a valid advertisement tells; `undefined` for all else. */
  receive(octets: Uint8Array): RouterInformation | undefined {
    const packet = decodeIpv6(octets);
    if (packet?.nextHeader !== NEXT_HEADER.icmpv6 || packet.payload[0] !== ADVERTISEMENT) return undefined;
    const { payload, source, hopLimit } = packet;
    // RFC 4861 §6.1.2.
    if (
      hopLimit !== 255 ||
      payload[1] !== 0 ||
      payload.length < 16 ||
      !isLinkLocalIpv6(source) ||
      same(source, this.#source)
    )
      return;
    const told = this.#options(payload.subarray(16));
    if (told === undefined) return undefined;
    this.#due = Number.POSITIVE_INFINITY;
    const flags = payload[5] as number;
    return {
      router: formatIpv6(source),
      lifetimeS: u16At(payload, 6),
      managed: (flags & 0x80) !== 0,
      other: (flags & 0x40) !== 0,
      ...told,
    };
  }

  #options(octets: Uint8Array): Pick<RouterInformation, "mtu" | "dns" | "addresses"> | undefined {
    let mtu: number | undefined;
    const dns: string[] = [];
    const addresses: RouterInformation["addresses"][number][] = [];
    for (let at = 0, count = 0; at < octets.length; count++) {
      // A length of 0 would never end: the whole message is invalid (RFC 4861 §4.6).
      const length = 8 * (octets[at + 1] ?? 0);
      if (length === 0 || at + length > octets.length || count === MAXIMUM_OPTIONS) return undefined;
      const option = octets.subarray(at, at + length);
      at += length;
      if (option[0] === OPTION.mtu && length === 8) mtu = u32At(option, 4);
      else if (option[0] === OPTION.dns && length >= 24 && u32At(option, 4) > 0) {
        // With no time left they are not to be asked any more (RFC 8106 §5.1).
        for (let i = 8; i + 16 <= length; i += 16) dns.push(formatIpv6(option.subarray(i, i + 16)));
      } else if (option[0] === OPTION.prefix && length === 32) {
        const [validS, preferredS] = [u32At(option, 4), u32At(option, 8)];
        const autonomous = ((option[3] as number) & 0x40) !== 0;
        // RFC 4862 §5.5.3: 64 bits of prefix and 64 of identifier, and no prefix that addresses of ours cannot have.
        const prefix = option.subarray(16, 32);
        const usable =
          autonomous && option[2] === 64 && preferredS <= validS && validS > 0 && isUsableIpv6(prefix);
        if (usable)
          addresses.push({
            address: formatIpv6(concat(prefix.subarray(0, 8), this.#identifier)),
            validS,
            preferredS,
          });
      }
    }
    // An MTU below IPv6's least is no MTU (RFC 8200 §5).
    return {
      mtu: mtu !== undefined && mtu >= 1280 ? mtu : undefined,
      dns: dns.slice(0, MAXIMUM_SERVERS),
      addresses,
    };
  }

  #ask(now: number): void {
    if (this.#sent >= MAX_RTR_SOLICITATIONS) {
      this.#due = Number.POSITIVE_INFINITY;
      return;
    }
    this.#sent++;
    this.#due = now + RTR_SOLICITATION_INTERVAL_MS;
    this.#out.push(encodeIcmpv6(this.#source, ALL_ROUTERS, Uint8Array.of(SOLICITATION, 0, 0, 0, 0, 0, 0, 0)));
  }
}
