/**
 * A DHCPv6 client for a PPP link (RFC 8415 §18.2): an address (IA_NA), a prefix to hand on (IA_PD), DNS servers. IPv6
 * packets go in and come out.
 */
import { isUsableIpv6, linkLocal, parseIpv6 } from "../ip.ts";
import type { Random } from "../lcp.ts";
import { concat, NO_OCTETS, same, u16, u16At, u32, u32At } from "../octets.ts";
import { HeldLeases, KINDS, type Kind } from "./dhcp-leases.ts";
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

/** `leased`: new, renewed, or fewer than before; `lost`: all ran out, or the server has none of them any more. */
export type DhcpEvent = { readonly type: "leased"; readonly leases: DhcpLeases } | { readonly type: "lost" };

type Asking = "solicit" | "request" | "renew" | "rebind" | "information";
type State = "idle" | Asking | "bound" | "informed";

/** How each question is asked. */
interface Question {
  readonly type: number;
  /** Initial and greatest time between transmissions, and how many (0: no limit) (RFC 8415 §7.6). */
  readonly firstMs: number;
  readonly mostMs: number;
  readonly count: number;
  /** Options that are asked for; those that set `mostMs` MUST be (RFC 8415 §21.24, §21.25). */
  readonly wanted: Uint8Array;
  /** To the server that we know. */
  readonly toOne: boolean;
}

const question = (
  type: number,
  firstMs: number,
  mostMs: number,
  { count = 0, toOne = false, more = [OPTION.solMaxRt] as readonly number[] } = {},
): Question => ({ type, firstMs, mostMs, count, toOne, wanted: concat(...[OPTION.dns, ...more].map(u16)) });

const QUESTIONS: Readonly<Record<Asking, Question>> = {
  solicit: question(DHCP.solicit, 1000, 3_600_000),
  request: question(DHCP.request, 1000, 30_000, { count: 10, toOne: true }),
  renew: question(DHCP.renew, 10_000, 600_000, { toOne: true }),
  rebind: question(DHCP.rebind, 10_000, 600_000),
  information: question(DHCP.informationRequest, 1000, 3_600_000, {
    more: [OPTION.refresh, OPTION.infMaxRt],
  }),
};
/** Options by which servers say how long the waits of a question may become, and what they may say; seconds. */
const LONGEST_WAITS = [
  ["solicit", OPTION.solMaxRt],
  ["information", OPTION.infMaxRt],
] as const;
const LEAST_LONGEST_S = 60;
const MOST_LONGEST_S = 86_400;
/** Until what was told of no lease is asked for again (RFC 8415 §7.6, §21.23); seconds. */
const IRT_DEFAULT = 86_400;
const IRT_MINIMUM = 600;
/** Wait after an answer of no use, until all servers are asked. */
const NOTHING_MS = 10_000;
const NEVER = Number.POSITIVE_INFINITY;

const CODES: Readonly<Record<Kind, number>> = { addresses: OPTION.iaNa, prefixes: OPTION.iaPd };

const isAsking = (state: State): state is Asking => state in QUESTIONS;

/** Whether it is something that a host can have. */
function isUsable({ what }: Lease): boolean {
  const octets = parseIpv6(what.split("/")[0] as string);
  return octets !== undefined && isUsableIpv6(octets);
}

/** One link's client. */
export class DhcpClient {
  readonly #settings: DhcpClientSettings;
  readonly #random: Random;
  readonly #wanted: readonly Kind[];
  #state: State = "idle";
  #transaction = 0;
  #startedAt = 0;
  #sent = 0;
  #waitMs = 0;
  /** When the question is asked again, or what was told is. */
  #againAt = NEVER;
  /** What {@link LONGEST_WAITS} have become. */
  readonly #longestMs: Partial<Record<Asking, number>> = {};
  #server: Uint8Array = NO_OCTETS;
  readonly #held = new HeldLeases();
  /** What a Request asks for: as offered, or as it was. */
  #wish: Readonly<Record<Kind, readonly Lease[]>> = { addresses: [], prefixes: [] };
  #leases: DhcpLeases = { addresses: [], prefixes: [], dns: [] };
  #out: Uint8Array[] = [];
  #events: DhcpEvent[] = [];

  constructor(settings: DhcpClientSettings, random: Random) {
    const { wantAddress = true, wantPrefix = true } = settings;
    this.#settings = settings;
    this.#random = random;
    this.#wanted = KINDS.filter((kind) => (kind === "addresses" ? wantAddress : wantPrefix));
  }

  /** What we have, with its times as they were when it last changed. */
  get leases(): DhcpLeases {
    return this.#leases;
  }

  /** IPV6CP is up, or a router said that DHCPv6 has something for us. */
  start(now: number): void {
    this.#begin(now, this.#wanted.length > 0 ? "solicit" : "information");
  }

  /** Gives the leases back (RFC 8415 §18.2.7); one message, nobody waits for the answer. */
  release(now: number): void {
    if (!this.#held.isEmpty) {
      this.#transaction = this.#newTransaction();
      this.#startedAt = now;
      const server = dhcpOption(OPTION.serverId, this.#server);
      this.#transmit(DHCP.release, now, [server, ...this.#associations(this.#held.at(now))]);
    }
    this.#clear();
    this.#server = NO_OCTETS;
    this.#state = "idle";
    this.#againAt = NEVER;
  }

  handleTimeout(now: number) {
    if (now < this.#due) return;
    if (this.#held.expire(now)) {
      if (this.#held.isEmpty) {
        this.#lose();
        return this.#begin(now, "solicit");
      }
      this.#tell(now, this.#leases.dns);
    }
    const state = this.#state;
    if (state === "bound" || state === "renew" || state === "rebind") return this.#keep(now, state);
    if (now < this.#againAt) return;
    if (state === "informed") return this.#begin(now, "information");
    if (!isAsking(state)) return;
    const { count } = QUESTIONS[state];
    if (count > 0 && this.#sent >= count) return this.#begin(now, this.#held.isEmpty ? "solicit" : "rebind");
    this.#send(now, state);
  }

  /** Asks for more time, as long as a lease needs it. */
  #keep(now: number, state: "bound" | "renew" | "rebind") {
    const { renewAt, rebindAt } = this.#held;
    const due = now >= rebindAt ? "rebind" : now >= renewAt ? "renew" : "bound";
    if (due === "bound") this.#rest();
    else if (due !== state) this.#begin(now, due);
    else if (now >= this.#againAt) this.#send(now, due);
  }

  #rest(): void {
    this.#state = "bound";
    this.#againAt = NEVER;
  }

  /** When something is to be done next. */
  get #due(): number {
    const { renewAt, rebindAt, expireAt } = this.#held;
    const at = { bound: renewAt, renew: rebindAt } as Partial<Record<State, number>>;
    return Math.min(this.#againAt, expireAt, at[this.#state] ?? NEVER);
  }

  pollTimeout(): number | undefined {
    return this.#due === NEVER ? undefined : this.#due;
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

  #begin(now: number, state: Asking) {
    this.#wait(state, now);
    this.#send(now, state);
  }

  /** Sends what the state asks for, and again in about twice the time (RFC 8415 §15). */
  #send(now: number, state: Asking) {
    const { type, firstMs, mostMs, wanted, toOne } = QUESTIONS[state];
    const most = this.#longestMs[state] ?? mostMs;
    const spread = ((this.#random(1)[0] as number) / 255) * 0.2 - 0.1;
    this.#waitMs = this.#waitMs === 0 ? firstMs * (1 + Math.abs(spread)) : this.#waitMs * (2 + spread);
    if (this.#waitMs > most) this.#waitMs = most * (1 + spread);
    this.#sent++;
    this.#againAt = now + Math.round(this.#waitMs);
    const options: Uint8Array[] = [dhcpOption(OPTION.request, wanted)];
    if (state === "solicit") options.push(dhcpOption(OPTION.rapidCommit), ...this.#associations());
    if (toOne) options.push(dhcpOption(OPTION.serverId, this.#server));
    if (state === "request") options.push(...this.#associations(this.#wish));
    if (state === "renew" || state === "rebind") options.push(...this.#associations(this.#held.at(now)));
    this.#transmit(type, now, options);
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
  #associations(leases?: Readonly<Record<Kind, readonly Lease[]>>): Uint8Array[] {
    const lease = ({ what, preferredS, validS }: Lease) => {
      const [address = "", length] = what.split("/");
      const octets = parseIpv6(address) ?? new Uint8Array(16);
      return leaseOption(octets, length === undefined ? undefined : Number(length), preferredS, validS);
    };
    return this.#wanted.map((kind) =>
      dhcpOption(CODES[kind], u32(1), u32(0), u32(0), ...(leases?.[kind].map(lease) ?? [])),
    );
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
    const state = this.#state;
    // RFC 8415 §16: for another, or from nobody.
    if (!isAsking(state) || transaction !== this.#transaction) return;
    if (client === undefined || !same(client, this.#settings.duid)) return;
    if (server === undefined || server.length === 0) return;
    const isAdvertise = state === "solicit" && type === DHCP.advertise;
    if (!isAdvertise && type !== DHCP.reply) return;
    // Heeded even where the answer is of no other use (RFC 8415 §18.2.9, §18.2.10).
    this.#heedWaits(options);
    if (statusOf(options) !== STATUS.success) return;
    if (state === "information") return this.#inform(now, options);
    const told = this.#told(options);
    if (isAdvertise) return this.#ask(now, server, told);
    if (state === "solicit" && findOption(options, OPTION.rapidCommit) === undefined) return;
    this.#server = server.slice();
    this.#bind(now, state, told, dnsServers(options));
  }

  /** SOL_MAX_RT and INF_MAX_RT (RFC 8415 §21.24, §21.25): other values than those are no values. */
  #heedWaits(options: readonly DhcpOption[]): void {
    for (const [state, code] of LONGEST_WAITS) {
      const value = findOption(options, code);
      if (value?.length !== 4) continue;
      const seconds = u32At(value, 0);
      if (seconds >= LEAST_LONGEST_S && seconds <= MOST_LONGEST_S) this.#longestMs[state] = seconds * 1000;
    }
  }

  #inform(now: number, options: readonly DhcpOption[]): void {
    const refresh = findOption(options, OPTION.refresh);
    const seconds = refresh?.length === 4 ? Math.max(IRT_MINIMUM, u32At(refresh, 0)) : IRT_DEFAULT;
    this.#state = "informed";
    this.#againAt = seconds === 0xffffffff ? NEVER : now + seconds * 1000;
    this.#tell(now, dnsServers(options));
  }

  /** An offer: what is of use of it is asked for. */
  #ask(now: number, server: Uint8Array, told: ReadonlyMap<Kind, Association>): void {
    const offer = (kind: Kind) => told.get(kind)?.leases ?? [];
    const wish = { addresses: offer("addresses"), prefixes: offer("prefixes") };
    if (wish.addresses.length + wish.prefixes.length === 0) return;
    this.#server = server.slice();
    this.#wish = wish;
    this.#begin(now, "request");
  }

  /** What a message says of our associations. */
  #told(options: readonly DhcpOption[]): Map<Kind, Association> {
    const told = new Map<Kind, Association>();
    for (const kind of this.#wanted) {
      const value = findOption(options, CODES[kind]);
      const association = value && decodeAssociation(CODES[kind], value);
      // T1 behind T2 spoils the association (RFC 8415 §21.4, §21.21); an address that none of ours can be, itself.
      if (association === undefined || (association.t1S > association.t2S && association.t2S > 0)) continue;
      told.set(kind, { ...association, leases: association.leases.filter(isUsable) });
    }
    return told;
  }

  /** A Reply (RFC 8415 §18.2.10.1): what it says nothing of stays as it is. */
  #bind(now: number, state: Asking, told: ReadonlyMap<Kind, Association>, dns: readonly string[]) {
    const isExtension = state === "renew" || state === "rebind";
    const wish = this.#held.at(now);
    let isUnknown = false;
    for (const [kind, association] of told) {
      if (isExtension && association.status === STATUS.noBinding) {
        isUnknown = true;
        this.#held.drop(kind);
      } else this.#held.merge(now, kind, association);
    }
    if (!this.#held.isEmpty) this.#tell(now, dns);
    else if (this.#has) this.#lose();
    if (isUnknown) {
      // This server has others for us, or none.
      this.#wish = wish;
      return this.#begin(now, "request");
    }
    // The server has nothing for us any more, or never had: all are asked, after a while.
    if (this.#held.isEmpty) return this.#wait("solicit", now + NOTHING_MS);
    if (this.#held.renewAt > now) this.#rest();
    // What was left out is asked for on, but never at once (RFC 8415 §14.1).
    else if (!isExtension) this.#wait("renew", now + NOTHING_MS);
  }

  /** Has a question asked later; until then nothing is an answer to it. */
  #wait(state: Asking, at: number): void {
    this.#state = state;
    this.#transaction = this.#newTransaction();
    this.#startedAt = at;
    this.#sent = 0;
    this.#waitMs = 0;
    this.#againAt = at;
  }

  /** Somebody was told of leases. */
  get #has(): boolean {
    return this.#leases.addresses.length + this.#leases.prefixes.length > 0;
  }

  #tell(now: number, dns: readonly string[]): void {
    this.#leases = { ...this.#held.at(now), dns };
    this.#events.push({ type: "leased", leases: this.#leases });
  }

  #lose() {
    this.#clear();
    this.#events.push({ type: "lost" });
  }

  #clear() {
    this.#held.clear();
    this.#leases = { addresses: [], prefixes: [], dns: [] };
  }
}
