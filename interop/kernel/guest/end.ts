/** One end of many pseudowires, on a data plane of ours. */
import { isDeepStrictEqual } from "node:util";
import type {
  DataPlane,
  PlaneNotice,
  SessionPlane,
  SessionStatistics,
  TunnelPlane,
  Wire,
} from "@l2tp/dataplane";
import type { Site } from "@l2tp/lab";
import { type Combination, identityOf, isManaged, OUTER, type Side } from "../combinations.ts";
import { forEach } from "./ping.ts";

/** Sessions that are made at the same time; of pppd each is a process. */
const AT_A_TIME = 4;
/** How often counters are read until nothing was counted meanwhile. */
const MOMENTS = 10;

/** No secrets, no routes, and nothing on the wire but LCP, IPCP and what is asked for. */
const PPPD = [
  ...["noauth", "nodefaultroute", "noipdefault", "noipv6", "noccp", "novj"],
  ...["lcp-echo-interval", "0", "lcp-max-configure", "60"],
];

/** One pseudowire as it is up. */
export interface Pseudowire {
  readonly combination: Combination;
  readonly wire: Wire;
  readonly tunnel: TunnelPlane;
  readonly session: SessionPlane;
}

/** How an end is to be. */
export interface EndOptions {
  readonly plane: DataPlane;
  readonly site: Site;
  readonly side: Side;
  /** Of the peer, where there are ports; default: what {@link identityOf} says. */
  readonly peerPort?: number;
  /** Of ours; default: what {@link identityOf} says. */
  readonly port?: number;
  /** Default `eth`. */
  readonly pseudowire?: "eth" | "ppp";
  /** Whether tunnels have sockets of ours; default: as {@link isManaged} says. */
  readonly managed?: boolean;
}

/** One end: a wire for each encapsulation and family, with all tunnels on it. */
export class End implements AsyncDisposable {
  readonly pseudowires: Pseudowire[] = [];
  readonly notices: PlaneNotice[] = [];
  readonly #options: EndOptions;
  readonly #wires = new Map<string, Promise<Wire>>();

  private constructor(options: EndOptions) {
    this.#options = options;
  }

  static async open(options: EndOptions, all: readonly Combination[]): Promise<End> {
    const end = new End(options);
    await forEach(all, AT_A_TIME, (combination) => end.#add(combination));
    return end;
  }

  /** The counters of all sessions, by the session's ID. */
  async statistics(): Promise<Map<number, SessionStatistics>> {
    const found = new Map<number, SessionStatistics>();
    for (const wire of this.#wires.values()) {
      await (await wire).statistics({ row: (row) => void found.set(row.sessionId, { ...row }) });
    }
    return found;
  }

  /**
   * The counters of all sessions, and what `others` says, of one moment: whoever has an address asks for the other's anew at
   * times (ARP, neighbour discovery), and pppd asks again when an answer is late; so what was counted while `others` was read
   * is read again.
   */
  async statisticsWith<T>(others: () => Promise<T>): Promise<[Map<number, SessionStatistics>, T]> {
    let before = await this.statistics();
    for (let attempt = 1; ; attempt++) {
      const theirs = await others();
      const after = await this.statistics();
      if (attempt === MOMENTS || isDeepStrictEqual(before, after)) return [after, theirs];
      before = after;
    }
  }

  #wire({ encapsulation, family }: Combination, port: number): Promise<Wire> {
    const { plane, site, side } = this.#options;
    const key = `${encapsulation} ${family} ${port}`;
    const known = this.#wires.get(key);
    if (known !== undefined) return known;
    const local = { family, address: OUTER[family][side], port };
    const wire = plane.open({ encapsulation, local, namespace: site.path }, () => {});
    this.#wires.set(key, wire);
    void (async () => {
      for await (const notice of (await wire).notices) this.notices.push(notice);
    })();
    return wire;
  }

  async #add(combination: Combination): Promise<void> {
    const { side, managed = isManaged(combination.number), pseudowire = "eth" } = this.#options;
    const other = side === "a" ? "b" : "a";
    const own = identityOf(combination, side);
    const peer = identityOf(combination, other);
    const { version, encapsulation, family, sequence, sublayer } = combination;
    const ported = (port: number) => (encapsulation === "udp" ? port : 0);
    const wire = await this.#wire(combination, ported(this.#options.port ?? own.port));
    const tunnel = await wire.createTunnel({
      version,
      tunnelId: own.tunnelId,
      peerTunnelId: peer.tunnelId,
      local: OUTER[family][side],
      peer: { family, address: OUTER[family][other], port: ported(this.#options.peerPort ?? peer.port) },
      managed,
    });
    const session = await tunnel.createSession({
      name: own.interfaceName,
      pseudowire,
      sessionId: own.sessionId,
      peerSessionId: peer.sessionId,
      cookie: own.cookie,
      peerCookie: peer.cookie,
      l2SpecificSublayer: sublayer ? "default" : "none",
      sendSequence: sequence,
      receiveSequence: sequence,
      reorderMs: 0,
      ...(pseudowire === "eth"
        ? {
            interface: {
              name: own.interfaceName,
              addresses: [{ address: own.address, prefixLength: 24 }],
            },
          }
        : { ppp: { options: [...PPPD, `${own.address}:${peer.address}`] } }),
      mtu: { dontFragment: "clear" },
    });
    this.pseudowires.push({ combination, wire, tunnel, session });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#wires.values()) await (await wire)[Symbol.asyncDispose]();
  }
}
