/**
 * Notices what vanishes from the kernel though nobody here removed it. The kernel tells of some of it: of changes made
 * through generic netlink (to all network namespaces at once, so each is looked up), and of interfaces that go. What it
 * does not tell of is found by comparing its tables with ours from time to time, and after notifications were lost.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { SessionStatistics } from "@l2tp/dataplane";
import { assembleBpf, type Fd, type NetlinkMessage, NetlinkSocket, nlabi } from "@l2tp/linux";
import { inSlices, readSession, tunnelIdOf } from "./dump.ts";
import { decodeNotification, hasSession, L2TP_COMMAND, L2TP_GROUP, readAll } from "./family.ts";
import type { KernelAccess } from "./kernel-access.ts";

/** When to look again whether something announced as deleted is gone: the kernel announces it first. */
const LOOKS_MS = [0, 5, 20, 50, 100, 200, 400, 800, 1600];
/** So many dropped messages, and none that was taken: no reordering does that. */
const DROPS_IN_A_ROW = 5;
/** When to look again whether messages are still dropped. */
const LOOK_AGAIN_MS = 2_000;
const LINK_BUFFER_OCTETS = 4 * 1024 * 1024;
const EVENT_BUFFER_OCTETS = 1024 * 1024;
/** `struct nlmsghdr`: type; `struct genlmsghdr` behind it: command. */
const NLMSG_TYPE = 4;
const GENL_COMMAND = 16;
/** `struct ifinfomsg`: index of the interface. */
const IFI_INDEX = 4;
const IFINFOMSG = 16;
/** IFLA_NEW_NETNSID: the interface did not go, it moved to another namespace. */
const IFLA_NEW_NETNSID = 45;

/** A number of the host's order, as BPF loads it: in network order. */
const hostOrder16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8);
/** Each interface that is made or changed is told of several times, and none of it matters here. */
const DELETED_LINKS = assembleBpf([
  ["ldh", NLMSG_TYPE],
  ["jeq", hostOrder16(nlabi.RTM_DELLINK), null, "other"],
  ["ret", 0xffff_ffff],
  "other",
  ["ret", 0],
]);
const DELETIONS = assembleBpf([
  ["ldb", GENL_COMMAND],
  ["jeq", L2TP_COMMAND.TUNNEL_DELETE, "deletion"],
  ["jeq", L2TP_COMMAND.SESSION_DELETE, "deletion"],
  ["ret", 0],
  "deletion",
  ["ret", 0xffff_ffff],
]);

/** A tunnel of ours in the kernel. */
export interface WatchedTunnel {
  readonly tunnelId: number;
  /** It is gone; called once. */
  vanished(reason: string): void;
}

/** A session of ours in the kernel. */
export interface WatchedSession {
  /** The kernel's tunnel that it is in. */
  readonly kernelTunnelId: number;
  readonly sessionId: number;
  readonly interfaceIndex: number | undefined;
  vanished(reason: string): void;
  /** The kernel drops what it receives, as its sequence numbers are behind. */
  numbersBehind(count: number): void;
}

/** What the kernel had counted of a session that it drops messages of. */
interface Dropping {
  readonly packets: number;
  readonly drops: number;
}

export class Watcher {
  readonly #kernel: KernelAccess;
  readonly #tunnels = new Map<number, WatchedTunnel>();
  readonly #sessions = new Map<number, Map<number, WatchedSession>>();
  readonly #byInterface = new Map<number, WatchedSession>();
  readonly #events: NetlinkSocket;
  readonly #links: NetlinkSocket;
  readonly #reconcileMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Sessions of which messages were dropped for their sequence numbers; another look at them is due soon. */
  readonly #dropping = new WeakMap<WatchedSession, Dropping>();
  #soon: NodeJS.Timeout | undefined;
  #reconciling: Promise<void> | undefined;
  #again = false;
  #closed = false;

  /**
   * @param reconcileMs - how often to compare the tables; 0: only after notifications were lost.
   * @param buffers - octets of notifications that may wait in the kernel; a thousand interfaces may go at once.
   */
  constructor(
    kernel: KernelAccess,
    namespace: Fd | undefined,
    reconcileMs: number,
    buffers = { events: EVENT_BUFFER_OCTETS, links: LINK_BUFFER_OCTETS },
  ) {
    this.#kernel = kernel;
    this.#reconcileMs = reconcileMs;
    const onOverrun = () => void this.reconcile();
    this.#events = new NetlinkSocket(nlabi.NETLINK_GENERIC, {
      namespace,
      receiveBufferOctets: buffers.events,
      filter: DELETIONS,
      listener: { onNotification: (message) => this.#onEvent(message), onOverrun },
    });
    this.#links = new NetlinkSocket(nlabi.NETLINK_ROUTE, {
      namespace,
      receiveBufferOctets: buffers.links,
      filter: DELETED_LINKS,
      listener: { onNotification: (message) => this.#onLink(message), onOverrun },
    });
  }

  #listening = false;

  /** Begins with the first tunnel, so that a wire without one costs nothing. */
  #listen(): void {
    if (this.#listening || this.#closed) return;
    this.#listening = true;
    const group = this.#kernel.family.groups.get(L2TP_GROUP);
    if (group !== undefined) this.#events.join(group);
    this.#links.join(nlabi.RTNLGRP_LINK);
    if (this.#reconcileMs > 0) {
      this.#timer = setInterval(() => void this.reconcile(), this.#reconcileMs);
      this.#timer.unref();
    }
  }

  addTunnel(tunnel: WatchedTunnel): void {
    this.#listen();
    this.#tunnels.set(tunnel.tunnelId, tunnel);
  }

  removeTunnel(tunnel: WatchedTunnel): void {
    if (this.#tunnels.get(tunnel.tunnelId) === tunnel) this.#tunnels.delete(tunnel.tunnelId);
  }

  addSession(session: WatchedSession): void {
    const { kernelTunnelId, sessionId, interfaceIndex } = session;
    let inTunnel = this.#sessions.get(kernelTunnelId);
    if (inTunnel === undefined) {
      inTunnel = new Map();
      this.#sessions.set(kernelTunnelId, inTunnel);
    }
    inTunnel.set(sessionId, session);
    if (interfaceIndex !== undefined) this.#byInterface.set(interfaceIndex, session);
  }

  removeSession(session: WatchedSession): void {
    const { kernelTunnelId, sessionId, interfaceIndex } = session;
    const inTunnel = this.#sessions.get(kernelTunnelId);
    if (inTunnel?.get(sessionId) === session) inTunnel.delete(sessionId);
    if (inTunnel?.size === 0) this.#sessions.delete(kernelTunnelId);
    if (interfaceIndex !== undefined && this.#byInterface.get(interfaceIndex) === session) {
      this.#byInterface.delete(interfaceIndex);
    }
  }

  /** A session of ours, by the kernel's IDs. */
  session(kernelTunnelId: number, sessionId: number): WatchedSession | undefined {
    return this.#sessions.get(kernelTunnelId)?.get(sessionId);
  }

  #onEvent(message: NetlinkMessage): void {
    const event = decodeNotification(this.#kernel.family, message);
    const { CONN_ID, SESSION_ID } = event?.attributes ?? {};
    if (CONN_ID === undefined) return;
    if (event?.command === "TUNNEL_DELETE") {
      const tunnel = this.#tunnels.get(CONN_ID);
      if (tunnel !== undefined) void this.#lookForTunnel(tunnel);
    } else if (event?.command === "SESSION_DELETE" && SESSION_ID !== undefined) {
      const session = this.session(CONN_ID, SESSION_ID);
      if (session !== undefined) void this.#lookForSession(session, "another program deleted it");
    }
  }

  #onLink(message: NetlinkMessage): void {
    if (message.type !== nlabi.RTM_DELLINK || message.payload.length < IFINFOMSG) return;
    const { buffer, byteOffset, byteLength } = message.payload;
    const view = new DataView(buffer, byteOffset, byteLength);
    const session = this.#byInterface.get(view.getInt32(IFI_INDEX, true));
    if (session === undefined || movedAway(view)) return;
    void this.#lookForSession(session, "its interface was deleted");
  }

  async #lookForTunnel(tunnel: WatchedTunnel): Promise<void> {
    for (const pause of LOOKS_MS) {
      await delay(pause, undefined, { ref: false });
      if (this.#closed || this.#tunnels.get(tunnel.tunnelId) !== tunnel) return;
      // Another namespace's tunnel of the same ID leaves ours alone.
      if (!(await this.#kernel.hasTunnel(tunnel.tunnelId).catch(() => true))) {
        return this.#loseTunnel(tunnel, "another program deleted it");
      }
    }
  }

  async #lookForSession(session: WatchedSession, reason: string): Promise<void> {
    const { kernelTunnelId } = session;
    for (const pause of LOOKS_MS) {
      await delay(pause, undefined, { ref: false });
      if (this.#closed || !this.#isOurs(session)) return;
      if (await this.#isThere(session).catch(() => true)) continue;
      // With its tunnel: then that is what is lost.
      const tunnel = this.#tunnels.get(kernelTunnelId);
      const whole = tunnel !== undefined && !(await this.#kernel.hasTunnel(kernelTunnelId).catch(() => true));
      if (!this.#isOurs(session)) return;
      return whole ? this.#loseTunnel(tunnel, "another program deleted it") : session.vanished(reason);
    }
  }

  #loseTunnel(tunnel: WatchedTunnel, reason: string): void {
    if (this.#tunnels.get(tunnel.tunnelId) === tunnel) tunnel.vanished(reason);
  }

  /** Compares the kernel's tables with ours; what is not there any more is lost. */
  reconcile(): Promise<void> {
    if (this.#reconciling !== undefined) {
      this.#again = true;
      return this.#reconciling;
    }
    this.#reconciling = (async () => {
      try {
        do {
          this.#again = false;
          await this.#compare();
        } while (this.#again && !this.#closed);
      } catch {
        // Closed meanwhile, or the kernel is out of memory: the next time.
      } finally {
        this.#reconciling = undefined;
      }
    })();
    return this.#reconciling;
  }

  /**
   * What a dump lacks is asked for by its IDs: the kernel counts its way through a dump, and passes entries over when
   * others are deleted meanwhile.
   */
  async #compare(): Promise<void> {
    // Those that are made while the tables are read are not missed.
    const tunnels = [...this.#tunnels.values()];
    const sessions = [...this.#sessions.values()].flatMap((inTunnel) => [...inTunnel.values()]);
    if (tunnels.length === 0) return;
    const { family } = this.#kernel;
    const foundTunnels = new Set<number>();
    await this.#kernel.run(readAll(family, "tunnels", (message) => foundTunnels.add(tunnelIdOf(message))));
    for await (const slice of inSlices(tunnels)) {
      for (const tunnel of slice) {
        if (foundTunnels.has(tunnel.tunnelId) || (await this.#kernel.hasTunnel(tunnel.tunnelId))) continue;
        this.#loseTunnel(tunnel, "the kernel has it no more");
      }
    }
    if (sessions.length === 0) return;
    const foundSessions = new Set<WatchedSession>();
    const row = {} as SessionStatistics;
    const find = (message: NetlinkMessage) => {
      readSession(message, row);
      const known = this.session(row.tunnelId, row.sessionId);
      if (known === undefined) return;
      foundSessions.add(known);
      if (row.rxErrors > 0 && row.rxPackets > 0) this.#lookAtNumbers(known, row, behind);
    };
    const behind = new Map<WatchedSession, number>();
    await this.#kernel.run(readAll(family, "sessions", find));
    for (const [session, count] of behind) if (this.#isOurs(session)) session.numbersBehind(count);
    for await (const slice of inSlices(sessions)) {
      for (const session of slice) {
        if (foundSessions.has(session) || !this.#isOurs(session) || (await this.#isThere(session))) continue;
        if (this.#isOurs(session)) session.vanished("the kernel has it no more");
      }
    }
  }

  /**
   * A sender that begins again at 0 is dropped until it has caught up: some messages are dropped, and none is taken. With
   * the first that are dropped it is not yet known whether that lasts.
   */
  #lookAtNumbers(session: WatchedSession, row: SessionStatistics, behind: Map<WatchedSession, number>): void {
    const { rxPackets: packets, rxErrors, rxSeqDiscards, rxCookieDiscards, rxInvalid } = row;
    // Errors that no other counter has, too: numbers outside of the window.
    const drops = rxErrors - rxSeqDiscards - rxCookieDiscards - rxInvalid;
    const before = this.#dropping.get(session) ?? { packets: -1, drops: 0 };
    this.#dropping.set(session, { packets, drops });
    const count = drops - before.drops;
    if (count < DROPS_IN_A_ROW) return;
    if (packets === before.packets) behind.set(session, count);
    else if (this.#reconcileMs > 0 && !this.#closed) {
      this.#soon ??= setTimeout(() => {
        this.#soon = undefined;
        void this.reconcile();
      }, LOOK_AGAIN_MS).unref();
    }
  }

  #isOurs(session: WatchedSession): boolean {
    return this.session(session.kernelTunnelId, session.sessionId) === session;
  }

  #isThere({ kernelTunnelId, sessionId }: WatchedSession): Promise<boolean> {
    return this.#kernel.run(hasSession(this.#kernel.family, kernelTunnelId, sessionId));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await Promise.all([this.#events.close(), this.#links.close()]);
    await this.#reconciling;
  }
}

/** Whether a DELLINK says that the interface lives on in another namespace, where its session serves it. */
function movedAway(view: DataView): boolean {
  for (let at = IFINFOMSG; at + 4 <= view.byteLength; ) {
    const length = view.getUint16(at, true);
    if (length < 4) return false;
    if ((view.getUint16(at + 2, true) & 0x3fff) === IFLA_NEW_NETNSID) return true;
    at += (length + 3) & ~3;
  }
  return false;
}
