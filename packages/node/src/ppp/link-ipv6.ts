/**
 * IPv6 on one PPP link, where this program speaks its own protocols (ipv6.ts): it begins when IPV6CP is up, its packets pass
 * and the data plane is configured, and is over with IPV6CP.
 */
import type { PppPackets } from "@l2tp/dataplane";
import type { LinkConfiguration } from "@l2tp/ppp";
import type { Instant } from "@l2tp/protocol";
import type { SessionGrant } from "./grants.ts";
import type { PppRunnerOptions } from "./host.ts";
import { Ipv6Host, Ipv6Router, type Ipv6Service } from "./ipv6.ts";

/** See the file's head. */
export class LinkIpv6 {
  readonly #options: PppRunnerOptions;
  readonly #packets: PppPackets;
  #service: Ipv6Service | undefined;
  /** Its packets pass. */
  #passes = false;
  /** It has begun. */
  #runs = false;

  private constructor(options: PppRunnerOptions, packets: PppPackets) {
    this.#options = options;
    this.#packets = packets;
  }

  /** @returns undefined where nobody here speaks for IPv6: an interface of the system may do so. */
  static of(options: PppRunnerOptions): LinkIpv6 | undefined {
    const { profile, link } = options;
    if (profile.settings.ipv6 === undefined || profile.ipv6.role === "none") return undefined;
    return link.ipv6Control && new LinkIpv6(options, link.ipv6Control);
  }

  /** While IPV6CP is up. */
  get service(): Ipv6Service | undefined {
    return this.#service;
  }

  /** Packets from the peer are taken from now on. */
  listen(take: (packet: Uint8Array) => void): Disposable {
    return this.#packets.onPacket((packet) => {
      if (this.#runs) take(packet);
    });
  }

  /** PPP has agreed on something. */
  configured({ ipv6: agreement, mtu }: LinkConfiguration, grant: SessionGrant): void {
    if (agreement === undefined) this.#service = undefined;
    else if (this.#service === undefined) {
      const { host, profile } = this.#options;
      const { duid, random } = host;
      const { role, requestPrefix } = profile.ipv6;
      const facts = { agreement, grant, mtu, duid, random, requestPrefix };
      this.#service = role === "router" ? new Ipv6Router(facts) : new Ipv6Host(facts);
      this.#runs = false;
    }
  }

  gate(mode: "pass" | "drop"): void {
    this.#passes = mode === "pass";
  }

  /** The data plane has done all that it was asked for. */
  settled(now: Instant): void {
    if (this.#service === undefined || !this.#passes || this.#runs) return;
    this.#runs = true;
    this.#service.start(now);
    // What it begins with is due now, and not with whatever happens next.
    this.send();
  }

  /** Hands what is to be sent to the data plane. */
  send(): void {
    if (!this.#runs || !this.#passes) return;
    for (let out = this.#service?.pollTransmit(); out !== undefined; out = this.#service?.pollTransmit()) {
      this.#packets.send(out);
    }
  }

  pollTimeout(): Instant | undefined {
    return this.#runs ? this.#service?.pollTimeout() : undefined;
  }
}
