/**
 * IPv6 after IPV6CP, which gives link-local addresses and no more: as router, advertisements and DHCPv6 for the peer; as
 * host, addresses and prefixes from it. Packets go in and come out.
 */
import {
  DhcpClient,
  DhcpResponder,
  type Ipv6Agreement,
  type Lease,
  RouterAdvertiser,
  type RouterInformation,
  RouterSolicitor,
} from "@l2tp/ppp";
import type { Instant } from "@l2tp/protocol";
import { EchoResponder } from "./echo-responder.ts";
import type { SessionGrant } from "./grants.ts";

/** What IPv6 needs to know of its session. */
export interface Ipv6Facts {
  readonly agreement: Ipv6Agreement;
  readonly grant: SessionGrant;
  readonly mtu: number;
  readonly duid: Uint8Array;
  readonly random: (octets: number) => Uint8Array;
  /** As host: ask for a prefix, too. */
  readonly requestPrefix: boolean;
}

/** One side of it, for as long as IPV6CP is up. */
export interface Ipv6Service {
  start(now: Instant): void;
  /** @param packet - from the peer; borrowed. @returns whether the addresses have changed. */
  receive(now: Instant, packet: Uint8Array): boolean;
  /** @returns whether the addresses have changed. */
  handleTimeout(now: Instant): boolean;
  pollTimeout(): Instant | undefined;
  pollTransmit(): Uint8Array | undefined;
  /** Gives back what was leased of the peer; one packet, nobody waits. */
  release(now: Instant): void;
  /** Ours on the link, with length. */
  readonly addresses: readonly string[];
  /** As router: what the peer has. As host: what was delegated to us. */
  readonly prefixes: readonly string[];
  readonly dns: readonly string[];
  readonly leases: readonly Lease[];
}

const NONE: readonly never[] = [];
const NEVER = Number.POSITIVE_INFINITY;
/** IPv6 wants no smaller links (RFC 8200 §5), and an advertisement of less would be ignored. */
const LEAST_MTU = 1280;
/** A router that advertises ever new prefixes fills no memory. */
const MAXIMUM_ADDRESSES = 16;

const earliest = (...dues: readonly (Instant | undefined)[]): Instant | undefined => {
  const first = Math.min(...dues.map((due) => due ?? NEVER));
  return first === NEVER ? undefined : first;
};

/** The router's side: the LNS. */
export class Ipv6Router implements Ipv6Service {
  readonly #advertiser: RouterAdvertiser | undefined;
  readonly #responder: DhcpResponder | undefined;
  readonly #neighbor: EchoResponder;
  readonly prefixes: readonly string[];
  readonly addresses: readonly string[] = NONE;
  readonly dns: readonly string[] = NONE;
  readonly leases: readonly Lease[] = NONE;
  #out: Uint8Array[] = [];

  /** @throws PppSettingError - a prefix or server that is none. */
  constructor({ agreement, grant, mtu, duid }: Ipv6Facts) {
    const { ipv6Prefix, delegatedPrefix, dns6 } = grant;
    const identifier = agreement.localIdentifier;
    this.prefixes = [ipv6Prefix, delegatedPrefix].filter((prefix) => prefix !== undefined);
    this.#neighbor = new EchoResponder([agreement.local]);
    // With nothing to give we are no router to the peer.
    if (this.prefixes.length === 0) return;
    this.#advertiser = new RouterAdvertiser({
      identifier,
      prefix: ipv6Prefix,
      dns: dns6,
      mtu: mtu >= LEAST_MTU ? mtu : undefined,
      other: dns6.length > 0 || delegatedPrefix !== undefined,
    });
    this.#responder = new DhcpResponder({ identifier, duid, prefix: delegatedPrefix, dns: dns6 });
  }

  start(now: Instant): void {
    this.#advertiser?.start(now);
  }

  receive(now: Instant, packet: Uint8Array): boolean {
    const answer = this.#neighbor.receive(packet) ?? this.#responder?.receive(packet);
    if (answer) this.#out.push(answer);
    else this.#advertiser?.receive(now, packet);
    return false;
  }

  handleTimeout(now: Instant): boolean {
    this.#advertiser?.handleTimeout(now);
    return false;
  }

  pollTimeout(): Instant | undefined {
    return this.#advertiser?.pollTimeout();
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift() ?? this.#advertiser?.pollTransmit();
  }

  release(): void {}
}

/** The host's side: a LAC's client. */
export class Ipv6Host implements Ipv6Service {
  readonly #facts: Ipv6Facts;
  readonly #solicitor: RouterSolicitor;
  readonly #neighbor: EchoResponder;
  #dhcp: DhcpClient | undefined;
  /** Addresses made of advertised prefixes, and until when they are good. */
  readonly #advertised = new Map<string, Instant>();
  #routerDns: readonly string[] = NONE;
  #hasRouter = false;
  #out: Uint8Array[] = [];

  constructor(facts: Ipv6Facts) {
    this.#facts = facts;
    this.#solicitor = new RouterSolicitor(facts.agreement.localIdentifier);
    this.#neighbor = new EchoResponder([facts.agreement.local]);
  }

  get addresses(): readonly string[] {
    const leased = this.#dhcp?.leases.addresses.map(({ what }) => `${what}/128`) ?? NONE;
    return [...[...this.#advertised.keys()].map((address) => `${address}/64`), ...leased];
  }

  get prefixes(): readonly string[] {
    return this.#dhcp?.leases.prefixes.map(({ what }) => what) ?? NONE;
  }

  get dns(): readonly string[] {
    return [...new Set([...this.#routerDns, ...(this.#dhcp?.leases.dns ?? NONE)])];
  }

  get leases(): readonly Lease[] {
    const { addresses = NONE, prefixes = NONE } = this.#dhcp?.leases ?? {};
    return [...addresses, ...prefixes];
  }

  start(now: Instant): void {
    this.#solicitor.start(now);
  }

  receive(now: Instant, packet: Uint8Array): boolean {
    const answer = this.#neighbor.receive(packet);
    if (answer) this.#out.push(answer);
    if (answer) return false;
    const told = this.#solicitor.receive(packet);
    if (told !== undefined) return this.#hear(now, told);
    this.#dhcp?.receive(now, packet);
    return this.#drainDhcp();
  }

  #hear(now: Instant, told: RouterInformation): boolean {
    const before = `${[...this.#advertised.keys()]} ${this.#routerDns}`;
    this.#hasRouter = true;
    for (const { address, validS } of told.addresses) {
      if (this.#advertised.has(address) || this.#advertised.size < MAXIMUM_ADDRESSES) {
        this.#advertised.set(address, now + 1000 * validS);
      }
    }
    this.#routerDns = told.dns;
    const { requestPrefix } = this.#facts;
    if (told.managed || told.other || requestPrefix) this.#startDhcp(now, told.managed);
    return `${[...this.#advertised.keys()]} ${this.#routerDns}` !== before;
  }

  #startDhcp(now: Instant, wantAddress: boolean): void {
    if (this.#dhcp !== undefined) return;
    const { agreement, duid, random, requestPrefix } = this.#facts;
    const identifier = agreement.localIdentifier;
    this.#dhcp = new DhcpClient({ identifier, duid, wantAddress, wantPrefix: requestPrefix }, random);
    this.#dhcp.start(now);
  }

  #drainDhcp(): boolean {
    let hasChanged = false;
    for (let event = this.#dhcp?.pollEvent(); event; event = this.#dhcp?.pollEvent()) hasChanged = true;
    return hasChanged;
  }

  handleTimeout(now: Instant): boolean {
    this.#solicitor.handleTimeout(now);
    this.#dhcp?.handleTimeout(now);
    // No router says anything: a prefix may be had all the same.
    if (!this.#hasRouter && this.#solicitor.pollTimeout() === undefined && this.#facts.requestPrefix) {
      this.#startDhcp(now, true);
    }
    let hasExpired = false;
    for (const [address, until] of this.#advertised) {
      if (until > now) continue;
      this.#advertised.delete(address);
      hasExpired = true;
    }
    return this.#drainDhcp() || hasExpired;
  }

  pollTimeout(): Instant | undefined {
    return earliest(this.#solicitor.pollTimeout(), this.#dhcp?.pollTimeout(), ...this.#advertised.values());
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#out.shift() ?? this.#solicitor.pollTransmit() ?? this.#dhcp?.pollTransmit();
  }

  release(now: Instant): void {
    this.#dhcp?.release(now);
  }
}
