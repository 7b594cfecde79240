/** A daemon that does nothing, and remembers what it was asked. */
import type {
  ClosedSession,
  ClosedTunnel,
  DialTarget,
  DrainStatus,
  Managed,
  ReloadReport,
  SessionDetail,
  SessionSummary,
  Status,
  TunnelDetail,
  TunnelSummary,
} from "@l2tp/management";

export const ENDING: ClosedTunnel["ending"] = {
  by: "peer",
  cause: "peer-close",
  message: "StopCCN",
  result: 6,
  remedy: "ask the peer's operator",
  line: "peer-close: the peer ended it: StopCCN 6 (Requester is being shut down); ask the peer's operator",
};

export function tunnelRow(name: string, tunnelId: number): TunnelDetail {
  return {
    name,
    version: 2,
    mode: "dynamic",
    tunnelId,
    peerTunnelId: tunnelId + 1,
    state: "up",
    controlState: "established",
    up: true,
    upForMs: 61_000,
    peer: { address: "192.0.2.7", port: 1701 },
    encapsulation: "udp",
    peerHostName: `${name}.example`,
    peerVendorName: "xelerance.com",
    openedBy: "peer",
    sessions: 1,
    sessionsUp: 1,
    rttMs: 1.25,
    authenticated: true,
    quirks: [],
    timers: ["hello"],
    messages: [{ agoMs: 5, direction: "received", message: "SCCRQ", sessionId: 0 }],
  };
}

export function sessionRow(tunnel: string, tunnelId: number, name: string, sessionId: number): SessionDetail {
  return {
    name,
    tunnel,
    tunnelId,
    sessionId,
    peerSessionId: sessionId + 1,
    kind: "lns-incoming",
    pseudowire: "ppp",
    state: "up",
    up: true,
    upForMs: 60_000,
    peer: { address: "192.0.2.7", port: 1701 },
    user: `user-${sessionId}`,
    ipv4: { local: "10.0.0.1", peer: "10.0.0.2" },
    interfaceName: `ppp${sessionId}`,
    mtuOctets: 1400,
    rxOctets: 1000,
    txOctets: 2000,
    ppp: { by: "l2tpd", phase: "network" },
  };
}

export const TARGET: DialTarget = {
  name: "office",
  when: "demand",
  state: "idle",
  peers: [{ name: "lns.example", priority: 0, weight: 1 }],
  attempts: 0,
};

export class FakeDaemon implements Managed {
  readonly asked: unknown[][] = [];
  readonly tunnelRows: TunnelDetail[] = [tunnelRow("north", 7), tunnelRow("south", 8)];
  readonly sessionRows: SessionDetail[] = [
    sessionRow("north", 7, "call-1", 100),
    sessionRow("south", 8, "call-1", 200),
    sessionRow("south", 8, "call-2", 201),
  ];
  readonly drainStatus: DrainStatus = { draining: true, perSecond: 5, deadlineInMs: 60_000, sessions: 3 };

  #note(...what: unknown[]): void {
    this.asked.push(what);
  }
  status(): Promise<Status> {
    return Promise.resolve({
      version: "1.2.3",
      pid: 42,
      uptimeMs: 90_000,
      dataPlane: { name: "userspace", why: "no kernel module", features: [] },
      wires: [
        {
          listener: "main",
          local: { address: "0.0.0.0", port: 1701 },
          encapsulation: "udp",
          counters: { strayData: 1 },
        },
      ],
      tunnels: { total: 2, up: 2, settingUp: 0, retrying: 0, openedByUs: 0, openedByPeers: 2, configured: 0 },
      sessions: { total: 3, up: 3, settingUp: 0, asLac: 0, asLns: 3, configured: 0 },
      limits: [{ name: "tunnels", limit: 1000, used: 2 }],
      drain: { draining: false, sessions: 3 },
      trace: { on: false },
      logLevel: "info",
      memory: { rssOctets: 1e8, heapOctets: 2e7 },
      counters: { tunnelsAccepted: 2, retransmits: 1 },
      discards: { malformed: 4 },
      messages: { SCCRQ: { received: 2, sent: 0, receiveErrors: 0 } },
    });
  }
  *names() {
    for (const { name, tunnelId } of this.tunnelRows) {
      yield { name, tunnelId, sessions: this.sessionRows.filter(({ tunnel }) => tunnel === name) };
    }
  }
  tunnels(): Iterable<TunnelSummary> | AsyncIterable<TunnelSummary> {
    return this.tunnelRows;
  }
  tunnel(name: string): Promise<TunnelDetail | undefined> {
    return Promise.resolve(this.tunnelRows.find((row) => row.name === name));
  }
  *closedTunnels(): Generator<ClosedTunnel> {
    yield {
      name: "old",
      tunnelId: 3,
      peerTunnelId: 4,
      peer: { address: "192.0.2.9", port: 1701 },
      wasUp: true,
      upForMs: 1000,
      endedAgoMs: 5000,
      sessions: 1,
      ending: ENDING,
      messages: [],
    };
  }
  sessions(): Iterable<SessionSummary> | AsyncIterable<SessionSummary> {
    return this.sessionRows;
  }
  session(tunnel: string, session: string): Promise<SessionDetail | undefined> {
    return Promise.resolve(this.sessionRows.find((row) => row.tunnel === tunnel && row.name === session));
  }
  *closedSessions(): Generator<ClosedSession> {
    yield {
      name: "gone",
      tunnel: "old",
      sessionId: 9,
      peerSessionId: 10,
      kind: "lns-incoming",
      user: "anna",
      wasUp: false,
      endedAgoMs: 4000,
      ending: ENDING,
    };
  }
  *peers() {
    yield { address: "192.0.2.7", tunnels: 2, halfOpen: 0, counters: { messagesReceived: 12 } };
  }
  *pools() {
    yield { name: "dsl", ranges: ["10.0.0.0/24"], size: 254, used: 3 };
  }
  *dialTargets() {
    yield TARGET;
  }
  closeTunnel(...what: unknown[]): Promise<void> {
    this.#note("closeTunnel", ...what);
    return Promise.resolve();
  }
  hangUp(...what: unknown[]): Promise<void> {
    this.#note("hangUp", ...what);
    return Promise.resolve();
  }
  dial(name: string): Promise<DialTarget> {
    this.#note("dial", name);
    return Promise.resolve({ ...TARGET, state: "dialling" });
  }
  hangUpTarget(name: string): Promise<DialTarget> {
    this.#note("hangUpTarget", name);
    return Promise.resolve(TARGET);
  }
  reload(request: { dryRun: boolean }): Promise<ReloadReport> {
    this.#note("reload", request);
    return Promise.resolve({
      file: "/etc/l2tpd/l2tpd.toml",
      dryRun: request.dryRun,
      steps: [{ do: "add-tunnel", tunnel: "t1", why: "new" }],
      warnings: [],
    });
  }
  drain(request: unknown) {
    this.#note("drain", request);
    return Promise.resolve(this.drainStatus);
  }
  resume() {
    this.#note("resume");
    return Promise.resolve({ draining: false, sessions: 3 });
  }
  trace(request: { on: boolean }) {
    this.#note("trace", request);
    return Promise.resolve({ on: request.on });
  }
  setLogLevel(level: string): Promise<void> {
    this.#note("setLogLevel", level);
    return Promise.resolve();
  }
}
