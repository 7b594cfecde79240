/**
 * A DHCPv6 client for a PPP link (RFC 8415 §18.2): an address (IA_NA), a prefix to hand on (IA_PD), DNS servers. IPv6
 * packets go in and come out.
 */
import { isUsableIpv6, linkLocal, parseIpv6 } from "../ip.ts";
import type { Random } from "../lcp.ts";
import { NO_OCTETS, same, u16, u16At, u32 } from "../octets.ts";
import {
  type Association,
  DHCP,
  type DhcpMessage,
  type DhcpOption,
  decodeAssociation,
  decodeDhcp,
  dhcpOption,
  dnsServers,
  encodeDhcp,
  findOption,
  type Lease,
  leaseOption,
  OPTION,
  PORT,
  STATUS,
  statusOf,
} from "./dhcp-message.ts";
import { ALL_DHCP, decodeIpv6, decodeUdp, encodeUdp, NEXT_HEADER } from "./packet.ts";

/** What a client wants. */
export interface DhcpClientSettings {
  /** Our interface identifier, as IPV6CP agreed on it. */
  readonly identifier: Uint8Array;
  /** Who we are to servers (RFC 8415 §11): the same each time, or the leases change. */
  readonly duid: Uint8Array;
  readonly wantAddress?: boolean;
  readonly wantPrefix?: boolean;
}

/** What a client has. */
export interface DhcpLeases {
  readonly addresses: readonly Lease[];
  readonly prefixes: readonly Lease[];
  readonly dns: readonly string[];
}

/** `leased`: new or renewed; `lost`: all leases ran out, or the server has none of them any more. */
export type DhcpEvent = { readonly type: "leased"; readonly leases: DhcpLeases } | { readonly type: "lost" };

type State = "idle" | "solicit" | "request" | "bound" | "renew" | "rebind" | "information";

/** Initial and greatest time between transmissions, and how many (0: no limit) (RFC 8415 §7.6). */
const TIMES: Readonly<
  Record<Exclude<State, "idle" | "bound">, readonly [first: number, most: number, count: number]>
> = {
  solicit: [1000, 3_600_000, 0],
  request: [1000, 30_000, 10],
  renew: [10_000, 600_000, 0],
  rebind: [10_000, 600_000, 0],
  information: [1000, 3_600_000, 0],
};
const TYPES = {
  solicit: DHCP.solicit,
  request: DHCP.request,
  renew: DHCP.renew,
  rebind: DHCP.rebind,
  information: DHCP.informationRequest,
} as const;

/** Whether it is something that a host can have. */
function isUsable({ what }: Lease): boolean {
  const octets = parseIpv6(what.split("/")[0] as string);
  return octets !== undefined && isUsableIpv6(octets);
}

/** One link's client. */
export class DhcpClient {
  readonly #settings: DhcpClientSettings;
  readonly #random: Random;
  #state: State = "idle";
  #transaction = 0;
  #startedAt = 0;
  #sent = 0;
  #waitMs = 0;
  #due = Number.POSITIVE_INFINITY;
  /** When T2 and the last valid lifetime come. */
  #rebindAt = Number.POSITIVE_INFINITY;
  #expireAt = Number.POSITIVE_INFINITY;
  #server: Uint8Array = NO_OCTETS;
  #leases: DhcpLeases = { addresses: [], prefixes: [], dns: [] };
  #out: Uint8Array[] = [];
  #events: DhcpEvent[] = [];

  constructor(settings: DhcpClientSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /** What we have now. */
  get leases(): DhcpLeases {
    return this.#leases;
  }

  /** IPV6CP is up, or a router said that DHCPv6 has something for us. */
  start(now: number): void {
    const { wantAddress = true, wantPrefix = true } = this.#settings;
    this.#begin(now, wantAddress || wantPrefix ? "solicit" : "information");
  }

  /** Gives the leases back (RFC 8415 §18.2.7); one message, nobody waits for the answer. */
  release(now: number): void {
    if (this.#server.length > 0) {
      this.#transaction = this.#newTransaction();
      this.#transmit(DHCP.release, now, [
        dhcpOption(OPTION.serverId, this.#server),
        ...this.#associations(true),
      ]);
    }
    this.#clear();
    this.#state = "idle";
    this.#due = Number.POSITIVE_INFINITY;
  }

  handleTimeout(now: number) {
    if (now < this.#due) return;
    if (now >= this.#expireAt) {
      this.#lose();
      return this.#begin(now, "solicit");
    }
    const state = this.#state;
    if (state === "idle") return;
    if (state === "bound") return this.#begin(now, "renew");
    if (state === "renew" && now >= this.#rebindAt) return this.#begin(now, "rebind");
    const [, , count] = TIMES[state];
    if (count > 0 && this.#sent >= count) return this.#begin(now, "solicit");
    this.#send(now);
  }

  pollTimeout(): number | undefined {
    return this.#due === Number.POSITIVE_INFINITY ? undefined : this.#due;
  }

  /** The next IPv6 packet to send. */
  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift();
  }

  /** The next event. */
  pollEvent(): DhcpEvent | undefined {
    return this.#events.shift();
  }

  #newTransaction(): number {
    const octets = this.#random(3);
    return (u16At(octets, 0) << 8) | (octets[2] as number);
  }

  #begin(now: number, state: Exclude<State, "idle" | "bound">) {
    this.#state = state;
    this.#transaction = this.#newTransaction();
    this.#startedAt = now;
    this.#sent = 0;
    this.#waitMs = 0;
    this.#send(now);
  }

  /** Sends what the state asks for, and again in about twice the time (RFC 8415 §15). */
  #send(now: number) {
    const state = this.#state;
    if (state === "idle" || state === "bound") return;
    const [first, most] = TIMES[state];
    const spread = ((this.#random(1)[0] as number) / 255) * 0.2 - 0.1;
    this.#waitMs = this.#waitMs === 0 ? first * (1 + Math.abs(spread)) : this.#waitMs * (2 + spread);
    if (this.#waitMs > most) this.#waitMs = most * (1 + spread);
    this.#sent++;
    this.#due = Math.min(
      now + Math.round(this.#waitMs),
      this.#expireAt,
      state === "renew" ? this.#rebindAt : Number.POSITIVE_INFINITY,
    );
    const options: Uint8Array[] = [dhcpOption(OPTION.request, u16(OPTION.dns))];
    if (state === "solicit") options.push(dhcpOption(OPTION.rapidCommit));
    if (state === "request" || state === "renew") options.push(dhcpOption(OPTION.serverId, this.#server));
    if (state !== "information") options.push(...this.#associations(state !== "solicit"));
    this.#transmit(TYPES[state], now, options);
  }

  #transmit(type: number, now: number, options: readonly Uint8Array[]) {
    const { identifier, duid } = this.#settings;
    const elapsed = Math.min(0xffff, Math.floor((now - this.#startedAt) / 10));
    const message = encodeDhcp(
      type,
      this.#transaction,
      dhcpOption(OPTION.clientId, duid),
      dhcpOption(OPTION.elapsed, u16(elapsed)),
      ...options,
    );
    this.#out.push(encodeUdp(linkLocal(identifier), ALL_DHCP, [PORT.client, PORT.server], message));
  }

  /** IA_NA and IA_PD as we want them; with what we have, when we have or were offered it. */
  #associations(filled: boolean): Uint8Array[] {
    const { wantAddress = true, wantPrefix = true } = this.#settings;
    const lease = ({ what, preferredS, validS }: Lease) => {
      const [address = "", length] = what.split("/");
      const octets = parseIpv6(address) ?? new Uint8Array(16);
      return leaseOption(octets, length === undefined ? undefined : Number(length), preferredS, validS);
    };
    const association = (code: number, leases: readonly Lease[]) =>
      dhcpOption(code, u32(1), u32(0), u32(0), ...(filled ? leases.map(lease) : []));
    return [
      ...(wantAddress ? [association(OPTION.iaNa, this.#leases.addresses)] : []),
      ...(wantPrefix ? [association(OPTION.iaPd, this.#leases.prefixes)] : []),
    ];
  }

  /** An IPv6 packet from the link. @returns whether it was DHCPv6 for us. */
  receive(now: number, octets: Uint8Array): boolean {
    const packet = decodeIpv6(octets);
    const datagram = packet?.nextHeader === NEXT_HEADER.udp ? decodeUdp(packet.payload) : undefined;
    if (datagram?.ports[1] !== PORT.client) return false;
    const message = decodeDhcp(datagram.data);
    if (message !== undefined) this.#take(now, message);
    return true;
  }

  #take(now: number, { type, transaction, options }: DhcpMessage) {
    const client = findOption(options, OPTION.clientId);
    const server = findOption(options, OPTION.serverId);
    // RFC 8415 §16: for another, or from nobody.
    if (this.#state === "idle" || this.#state === "bound" || transaction !== this.#transaction) return;
    if (
      client === undefined ||
      !same(client, this.#settings.duid) ||
      server === undefined ||
      server.length === 0
    )
      return;
    if (this.#state === "information") {
      if (type !== DHCP.reply) return;
      this.#leases = { addresses: [], prefixes: [], dns: dnsServers(options) };
      this.#state = "idle";
      this.#due = Number.POSITIVE_INFINITY;
      this.#events.push({ type: "leased", leases: this.#leases });
      return;
    }
    if (statusOf(options) !== STATUS.success) return;
    const rapid = type === DHCP.reply && findOption(options, OPTION.rapidCommit) !== undefined;
    if (this.#state === "solicit" && type === DHCP.advertise) {
      const [addresses, prefixes] = this.#offered(options);
      if ((addresses?.leases.length ?? 0) + (prefixes?.leases.length ?? 0) === 0) return;
      this.#server = server.slice();
      this.#leases = { addresses: addresses?.leases ?? [], prefixes: prefixes?.leases ?? [], dns: [] };
      return this.#begin(now, "request");
    }
    if (type !== DHCP.reply || (this.#state === "solicit" && !rapid)) return;
    this.#server = server.slice();
    this.#bind(now, options);
  }

  #offered(options: readonly DhcpOption[]): (Association | undefined)[] {
    return [OPTION.iaNa, OPTION.iaPd].map((code) => {
      const value = findOption(options, code);
      const association = value && decodeAssociation(code, value);
      // T1 behind T2 spoils the association (RFC 8415 §21.4, §21.21); an address that none of ours can be, itself.
      if (association === undefined || (association.t1S > association.t2S && association.t2S > 0))
        return undefined;
      return { ...association, leases: association.leases.filter(isUsable) };
    });
  }

  #bind(now: number, options: readonly DhcpOption[]) {
    const [addresses, prefixes] = this.#offered(options);
    const alive = (association: Association | undefined) =>
      association?.leases.filter(({ validS }) => validS > 0) ?? [];
    const leases = { addresses: alive(addresses), prefixes: alive(prefixes), dns: dnsServers(options) };
    const all = [...leases.addresses, ...leases.prefixes];
    if (all.length === 0) {
      // The server has nothing for us any more, or never had: ask all of them, after a while.
      if (this.#expireAt !== Number.POSITIVE_INFINITY) this.#lose();
      this.#state = "solicit";
      this.#server = NO_OCTETS;
      this.#due = now + TIMES.solicit[0] * 10;
      return;
    }
    this.#leases = leases;
    const preferredS = Math.max(1, Math.min(...all.map((lease) => lease.preferredS)));
    const times = [addresses, prefixes].flatMap((association) =>
      association?.leases.length ? [association] : [],
    );
    const least = (pick: (association: Association) => number, preset: number) => {
      const given = times.map(pick).filter((seconds) => seconds > 0);
      return given.length === 0 ? preset : Math.min(...given);
    };
    // 0 leaves the times to us (RFC 8415 §21.4): half and eight tenths.
    const t1 = least(({ t1S }) => t1S, Math.floor(preferredS * 0.5));
    const t2 = Math.max(
      t1,
      least(({ t2S }) => t2S, Math.floor(preferredS * 0.8)),
    );
    const end = (seconds: number) =>
      seconds >= 0xffffffff ? Number.POSITIVE_INFINITY : now + seconds * 1000;
    this.#state = "bound";
    this.#rebindAt = end(t2);
    this.#expireAt = end(Math.max(...all.map(({ validS }) => validS)));
    this.#due = Math.min(end(Math.max(1, t1)), this.#expireAt);
    this.#events.push({ type: "leased", leases });
  }

  #lose() {
    this.#clear();
    this.#events.push({ type: "lost" });
  }

  #clear() {
    this.#leases = { addresses: [], prefixes: [], dns: [] };
    this.#server = NO_OCTETS;
    this.#rebindAt = Number.POSITIVE_INFINITY;
    this.#expireAt = Number.POSITIVE_INFINITY;
  }
}
