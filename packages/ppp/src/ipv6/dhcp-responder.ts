/**
 * A DHCPv6 server for the one client at the other end of a PPP link (RFC 8415 §18.3): the address and the prefix that
 * were granted to it, each time the same, so nothing is remembered. IPv6 packets go in and come out.
 */
import { PppSettingError } from "../errors.ts";
import { formatIpv6, linkLocal, parseIpv6 } from "../ip.ts";
import { concat, isZero, same, textOctets, u16, u32 } from "../octets.ts";
import {
  DHCP,
  type DhcpMessage,
  decodeAssociation,
  decodeDhcp,
  dhcpOption,
  encodeDhcp,
  findOption,
  leaseOption,
  OPTION,
  PORT,
  STATUS,
} from "./dhcp-message.ts";
import { ALL_DHCP, decodeIpv6, decodeUdp, encodeUdp, NEXT_HEADER } from "./packet.ts";
import { parsePrefix } from "./router.ts";

/** What the peer may have. */
export interface DhcpResponderSettings {
  /** Our interface identifier, as IPV6CP agreed on it. */
  readonly identifier: Uint8Array;
  /** Who we are to clients (RFC 8415 §11); the same for all links. */
  readonly duid: Uint8Array;
  readonly address?: string | undefined;
  /** To be delegated: `2001:db8:1::/56`. */
  readonly prefix?: string | undefined;
  readonly dns?: readonly string[];
  /** Seconds; 14400 and 86400. */
  readonly preferredS?: number;
  readonly validS?: number;
}

/** Messages that a client may send to one server alone, when that server said so; the others never (RFC 8415 §16). */
const WRITTEN_TO_ONE: readonly number[] = [DHCP.request, DHCP.renew, DHCP.release, DHCP.decline];

/** One link's responder. */
export class DhcpResponder {
  readonly #settings: DhcpResponderSettings;
  readonly #address: Uint8Array | undefined;
  readonly #prefix: { octets: Uint8Array; length: number } | undefined;
  readonly #dns: Uint8Array;

  /** @throws PppSettingError - an address, prefix or server that is none. */
  constructor(settings: DhcpResponderSettings) {
    this.#settings = settings;
    this.#address = settings.address === undefined ? undefined : address("address", settings.address);
    this.#prefix = settings.prefix === undefined ? undefined : parsePrefix(settings.prefix);
    this.#dns = concat(...(settings.dns ?? []).map((server, i) => address(`dns[${i}]`, server)));
  }

  /**
   * An IPv6 packet from the link.
   * @returns the IPv6 packet that answers it; `undefined` when none does: it was not DHCPv6, or not for us.
   */
  receive(octets: Uint8Array): Uint8Array | undefined {
    const packet = decodeIpv6(octets);
    const datagram = packet?.nextHeader === NEXT_HEADER.udp ? decodeUdp(packet.payload) : undefined;
    if (packet === undefined || datagram?.ports[1] !== PORT.server) return undefined;
    // Nobody to answer: no address, or a group.
    if (isZero(packet.source) || packet.source[0] === 0xff) return undefined;
    const message = decodeDhcp(datagram.data);
    const answer = message && this.#answer(message, same(packet.destination, ALL_DHCP));
    return (
      answer &&
      encodeUdp(linkLocal(this.#settings.identifier), packet.source, [PORT.server, PORT.client], answer)
    );
  }

  #answer({ type, transaction, options }: DhcpMessage, toAll: boolean): Uint8Array | undefined {
    const client = findOption(options, OPTION.clientId);
    const server = findOption(options, OPTION.serverId);
    const named = server !== undefined && same(server, this.#settings.duid);
    const rapid = type === DHCP.solicit && findOption(options, OPTION.rapidCommit) !== undefined;
    const ours = [
      dhcpOption(OPTION.serverId, this.#settings.duid),
      ...(client === undefined ? [] : [dhcpOption(OPTION.clientId, client)]),
    ];
    const dns = this.#dns.length > 0 ? [dhcpOption(OPTION.dns, this.#dns)] : [];
    const reply = (...more: readonly Uint8Array[]) => encodeDhcp(DHCP.reply, transaction, ...ours, ...more);
    if (!toAll) {
      // We told nobody to write to us alone (RFC 8415 §16, §18.4).
      const isNamed = named && client !== undefined && WRITTEN_TO_ONE.includes(type);
      return isNamed ? reply(status(STATUS.useMulticast, "write to ff02::1:2")) : undefined;
    }
    // RFC 8415 §16: who names another server, or none where one is due, is not talking to us.
    if (type === DHCP.informationRequest) {
      const isOurs = (server === undefined || named) && !options.some(({ code }) => isAssociation(code));
      return isOurs ? reply(...dns) : undefined;
    }
    if (client === undefined || client.length === 0) return undefined;
    switch (type) {
      case DHCP.solicit:
        if (server !== undefined) return undefined;
        if (rapid) return reply(dhcpOption(OPTION.rapidCommit), ...this.#associations(options), ...dns);
        return encodeDhcp(DHCP.advertise, transaction, ...ours, ...this.#associations(options), ...dns);
      case DHCP.request:
        return named ? reply(...this.#associations(options, "request"), ...dns) : undefined;
      case DHCP.renew:
        return named ? reply(...this.#associations(options, "extend"), ...dns) : undefined;
      case DHCP.rebind:
        return server === undefined ? reply(...this.#associations(options, "extend"), ...dns) : undefined;
      case DHCP.confirm:
        return server === undefined ? this.#confirm(options, reply) : undefined;
      case DHCP.release:
      case DHCP.decline:
        return named ? reply(status(STATUS.success, ""), ...this.#unbound(options)) : undefined;
      default:
        return undefined;
    }
  }

  /** Whether the addresses are still good here (RFC 8415 §18.3.3): a session that came up anew may have others. */
  #confirm(
    options: DhcpMessage["options"],
    reply: (option: Uint8Array) => Uint8Array,
  ): Uint8Array | undefined {
    const claimed = options.flatMap(({ code, value }) =>
      code === OPTION.iaNa ? (decodeAssociation(code, value)?.leases ?? []) : [],
    );
    // Without an address there is nothing to say.
    if (claimed.length === 0) return undefined;
    const ours = this.#address && formatIpv6(this.#address);
    return claimed.every(({ what }) => what === ours)
      ? reply(status(STATUS.success, "on this link"))
      : reply(status(STATUS.notOnLink, "not on this link"));
  }

  /** What the client believes to have and has not. */
  #strange(code: number, value: Uint8Array): { octets: Uint8Array; length: number | undefined }[] {
    const isAddress = code === OPTION.iaNa;
    const have = isAddress ? this.#address : this.#prefix?.octets;
    return (decodeAssociation(code, value)?.leases ?? []).flatMap(({ what }) => {
      const [text = "", bits] = what.split("/");
      const octets = parseIpv6(text) ?? new Uint8Array(16);
      const length = isAddress ? undefined : Number(bits);
      const isOurs =
        have !== undefined && same(octets, have) && (isAddress || length === this.#prefix?.length);
      return isOurs ? [] : [{ octets, length }];
    });
  }

  /** What is given back and was not had (RFC 8415 §18.3.7, §18.3.8). */
  #unbound(options: DhcpMessage["options"]): Uint8Array[] {
    return options
      .filter(({ code, value }) => isLease(code) && value.length >= 12)
      .filter(({ code, value }) => {
        const have = code === OPTION.iaNa ? this.#address : this.#prefix;
        return have === undefined || this.#strange(code, value).length > 0;
      })
      .map(({ code, value }) =>
        dhcpOption(code, value.subarray(0, 4), u32(0), u32(0), status(STATUS.noBinding, "not yours")),
      );
  }

  /**
   * Every association asked for, filled with what we have, once; the others empty, with the reason.
   * @param why - `extend`, Renew or Rebind: what the client has and we do not give is told with no time left (RFC 8415 §18.3.4,
   * §18.3.5); `request`: addresses of another link make the association fail (§18.3.2).
   */
  #associations(
    options: DhcpMessage["options"],
    why: "offer" | "request" | "extend" = "offer",
  ): Uint8Array[] {
    const { preferredS = 14_400, validS = 86_400 } = this.#settings;
    const times = concat(u32(Math.floor(preferredS * 0.5)), u32(Math.floor(preferredS * 0.8)));
    const given = new Set<number>();
    return options
      .filter(({ code, value }) => isLease(code) && value.length >= 12)
      .map(({ code, value }) => {
        const iaid = value.subarray(0, 4);
        const isAddress = code === OPTION.iaNa;
        const have = isAddress ? this.#address : this.#prefix?.octets;
        const strange = why === "offer" ? [] : this.#strange(code, value);
        if (why === "request" && isAddress && strange.length > 0)
          return dhcpOption(code, iaid, u32(0), u32(0), status(STATUS.notOnLink, "not on this link"));
        const stale =
          why === "extend" ? strange.map(({ octets, length }) => leaseOption(octets, length, 0, 0)) : [];
        if (have === undefined || given.has(code)) {
          const none = isAddress
            ? status(STATUS.noAddress, "no address")
            : status(STATUS.noPrefix, "no prefix");
          return dhcpOption(code, iaid, u32(0), u32(0), ...stale, none);
        }
        given.add(code);
        return dhcpOption(
          code,
          iaid,
          times,
          leaseOption(have, isAddress ? undefined : this.#prefix?.length, preferredS, validS),
          ...stale,
        );
      });
  }
}

const isLease = (code: number): boolean => code === OPTION.iaNa || code === OPTION.iaPd;
/** IA_TA, too, which we know no more of. */
const isAssociation = (code: number): boolean => isLease(code) || code === OPTION.iaTa;

const status = (code: number, text: string): Uint8Array =>
  dhcpOption(OPTION.status, u16(code), textOctets(text));

function address(key: string, text: string): Uint8Array {
  const octets = parseIpv6(text);
  if (octets === undefined)
    throw new PppSettingError(key, `must be an IPv6 address such as 2001:db8::1, not ${text}`);
  return octets;
}
