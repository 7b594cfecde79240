/** One end of many PPP sessions on the kernel's data plane, each with a pppd. */
import type { DataPlane, PlaneNotice, SessionPlane, SessionStatistics, Wire } from "@l2tp/dataplane";
import type { Site } from "../../support/site.ts";
import { identityOf, isManaged, OUTER, type Side } from "../combinations.ts";
import { idsOf, type PppCombination } from "../ppp-combinations.ts";

/** One session that is there. */
export interface PppSession {
  readonly combination: PppCombination;
  readonly session: SessionPlane;
}

/** Options of pppd: no secrets and nothing at rest, so that the counters stand still. */
const OPTIONS = ["noauth", "nodefaultroute", "noipdefault", "lcp-echo-interval", "0", "noipv6"];

export class PppEnd {
  readonly sessions: PppSession[] = [];
  readonly notices: PlaneNotice[] = [];
  readonly #plane: DataPlane;
  readonly #site: Site;
  readonly #side: Side;
  readonly #wires = new Map<string, Promise<Wire>>();

  constructor(plane: DataPlane, site: Site, side: Side) {
    this.#plane = plane;
    this.#site = site;
    this.#side = side;
  }

  #wire({ encapsulation, family }: PppCombination, port: number): Promise<Wire> {
    const key = `${encapsulation} ${family} ${port}`;
    let wire = this.#wires.get(key);
    if (wire === undefined) {
      const local = { family, address: OUTER[family][this.#side], port };
      wire = this.#plane.open({ encapsulation, local, namespace: this.#site.path }, () => {});
      this.#wires.set(key, wire);
      void wire.then(async ({ notices }) => {
        for await (const notice of notices) this.notices.push(notice);
      });
    }
    return wire;
  }

  /** Makes a tunnel with its session; resolves when pppd has its interface. */
  async add(combination: PppCombination): Promise<void> {
    const { version, family, sequence, sublayer, number } = combination;
    const side = this.#side;
    const other = side === "a" ? "b" : "a";
    const [own, peer] = [identityOf(combination, side), identityOf(combination, other)];
    const [ownIds, peerIds] = [idsOf(combination, side), idsOf(combination, other)];
    const wire = await this.#wire(combination, own.port);
    const tunnel = await wire.createTunnel({
      version,
      tunnelId: ownIds.tunnelId,
      peerTunnelId: peerIds.tunnelId,
      local: OUTER[family][side],
      peer: { family, address: OUTER[family][other], port: peer.port },
      managed: isManaged(number),
    });
    const session = await tunnel.createSession({
      name: own.interfaceName,
      pseudowire: "ppp",
      sessionId: ownIds.sessionId,
      peerSessionId: peerIds.sessionId,
      cookie: own.cookie,
      peerCookie: peer.cookie,
      l2SpecificSublayer: sublayer ? "default" : "none",
      sendSequence: sequence,
      receiveSequence: sequence,
      reorderMs: 0,
      interface: { name: own.interfaceName },
      ppp: { options: [...OPTIONS, `${own.address}:${peer.address}`] },
    });
    this.sessions.push({ combination, session });
  }

  /** The session of a combination. */
  session(combination: PppCombination): SessionPlane | undefined {
    return this.sessions.find((one) => one.combination === combination)?.session;
  }

  /** The counters of all sessions, by tunnel ID: session IDs of L2TPv2 are unique in their tunnel only. */
  async statistics(): Promise<Map<number, SessionStatistics>> {
    const found = new Map<number, SessionStatistics>();
    for (const wire of this.#wires.values()) {
      await (await wire).statistics({ row: (row) => void found.set(row.tunnelId, { ...row }) });
    }
    return found;
  }
}
