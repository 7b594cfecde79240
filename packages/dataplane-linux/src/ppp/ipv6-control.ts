/**
 * Neighbour discovery and DHCPv6 of a PPP interface, for whoever runs the link: a packet socket on the interface. The
 * kernel sees those packets as well, which does no harm: it takes no advertisement there while somebody else does, and its
 * own neighbour discovery rests on an interface of PPP.
 */
import type { PppPackets } from "@l2tp/dataplane";
import { abi, assembleBpf, attachFilter, type Fd, Reactor, type Registration, raw, sys } from "@l2tp/linux";
import type { PppHost } from "./host.ts";
import { setIpv6Switch, type Unit } from "./unit.ts";

const ETH_P_IPV6 = 0x86dd;
/** struct sockaddr_ll: family, protocol, interface index, …; 20 octets. */
const SOCKADDR_LL = 20;
const PACKETS_PER_TURN = 32;
const PACKET_OCTETS = 65_576;
/** ICMPv6 types (RFC 4861 §4), and UDP ports of DHCPv6 (RFC 8415 §7.2). */
const [ROUTER_SOLICITATION, NEIGHBOR_ADVERTISEMENT] = [133, 136];
const [CLIENT_PORT, SERVER_PORT] = [546, 547];

/** To a link-local address or the link's multicast groups, and one of the two kinds. Offsets are from the IPv6 header. */
const FILTER = assembleBpf([
  ["ldh", 24],
  ["and", 0xffc0],
  ["jeq", 0xfe80, "kind"],
  ["ldh", 24],
  ["jeq", 0xff02, "kind", "no"],
  "kind",
  ["ldb", 6],
  ["jeq", 58, "icmp"],
  ["jeq", 17, "udp", "no"],
  "icmp",
  ["ldb", 40],
  ["jge", ROUTER_SOLICITATION, null, "no"],
  ["jgt", NEIGHBOR_ADVERTISEMENT, "no", "yes"],
  "udp",
  ["ldh", 42],
  ["jeq", CLIENT_PORT, "yes"],
  ["jeq", SERVER_PORT, "yes", "no"],
  "yes",
  ["ret", 0xffff_ffff],
  "no",
  ["ret", 0],
]);

let scratch: Uint8Array | undefined;

export class Ipv6Control implements PppPackets {
  readonly #host: PppHost;
  /** Whether packets of IPv6 pass. */
  readonly #passes: () => boolean;
  #unit: Unit | undefined;
  #handler: ((packet: Uint8Array) => void) | undefined;
  #socket: { readonly fd: Fd; readonly watch: Registration } | undefined;
  #closed = false;

  constructor(host: PppHost, passes: () => boolean) {
    this.#host = host;
    this.#passes = passes;
  }

  /** The interface is there. */
  attach(unit: Unit): void {
    this.#unit = unit;
    if (this.#handler !== undefined) this.#open();
  }

  onPacket(handler: (packet: Uint8Array) => void): Disposable {
    this.#handler = handler;
    this.#open();
    return {
      [Symbol.dispose]: () => {
        if (this.#handler === handler) this.#handler = undefined;
      },
    };
  }

  send(packet: Uint8Array): void {
    if (!this.#passes()) return;
    this.#open();
    const fd = this.#socket?.fd;
    if (fd === undefined) return;
    const to = this.#address();
    raw().sendto(fd, packet, packet.length, abi.MSG_DONTWAIT, to, to.length);
  }

  #address(): Uint8Array {
    const octets = new Uint8Array(SOCKADDR_LL);
    const view = new DataView(octets.buffer);
    view.setUint16(0, abi.AF_PACKET, true);
    view.setUint16(2, ETH_P_IPV6, false);
    view.setInt32(4, this.#unit?.index ?? 0, true);
    return octets;
  }

  /** With the first use; what cannot be opened leaves IPv6 with link-local addresses. */
  #open(): void {
    const unit = this.#unit;
    if (unit === undefined || this.#socket !== undefined || this.#closed) return;
    const { kernel, descriptors, what } = this.#host;
    try {
      descriptors.take(1, what);
    } catch (error) {
      this.#host.log(`no router advertisement and DHCPv6: ${(error as Error).message}`);
      return;
    }
    try {
      const fd = kernel.inNamespace(() => {
        // Whoever takes the advertisements decides what becomes of them.
        setIpv6Switch(unit.name, "accept_ra", "0");
        // Of no protocol until it is filtered and bound.
        return sys.socket(abi.AF_PACKET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, "packet socket");
      });
      try {
        attachFilter(fd, FILTER);
        sys.bind(fd, this.#address(), unit.name);
        const watch = Reactor.shared().watch(fd, () => this.#drain(fd), { ref: false });
        this.#socket = { fd, watch };
      } catch (error) {
        sys.close(fd);
        throw error;
      }
    } catch (error) {
      descriptors.release(1);
      this.#host.log(`no router advertisement and DHCPv6: ${(error as Error).message}`);
    }
  }

  #drain(fd: Fd): void {
    scratch ??= new Uint8Array(PACKET_OCTETS);
    for (let i = 0; i < PACKETS_PER_TURN && !this.#closed; i++) {
      const octets = raw().recv(fd, scratch, scratch.length, abi.MSG_DONTWAIT);
      if (octets < 0) return;
      this.#handler?.(scratch.slice(0, octets));
    }
  }

  close(): void {
    this.#closed = true;
    this.#handler = undefined;
    if (this.#socket === undefined) return;
    const { fd, watch } = this.#socket;
    this.#socket = undefined;
    watch.close();
    // The kernel waits for all processors before a packet socket is gone.
    void Reactor.shared()
      .closeLater(fd)
      .catch(() => {})
      .then(() => this.#host.descriptors.release(1));
  }
}
