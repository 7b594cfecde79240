/** The mock data plane of one host. */
import {
  type Binding,
  type ControlHandler,
  checkBinding,
  type DataPlane,
  type DataPlaneCapabilities,
  type DataPlaneStatus,
  PlaneError,
} from "@l2tp/dataplane";
import { CallLog, type CallName, type FaultOptions, type Hanging } from "./calls.ts";
import type { MockHost } from "./host.ts";
import type { MockSession } from "./session.ts";
import type { MockTunnel } from "./tunnel.ts";
import { MockWire } from "./wire.ts";

/** Everything but `pppac`, and no interfaces of the operating system. */
const CAPABILITIES: DataPlaneCapabilities = {
  versions: [2, 3],
  encapsulations: ["udp", "ip"],
  families: [4, 6],
  pseudowires: ["eth", "ppp"],
  interfaces: false,
  pppLink: ["interface", "shared", "program"],
};

/**
 * A data plane in memory. It behaves as the real ones do (the conformance kit says so), and can be watched
 * ({@link calls}) and disturbed ({@link fail}, {@link hang}, {@link delay}, {@link crash}).
 */
export class MockDataPlane implements DataPlane {
  readonly host: MockHost;
  readonly capabilities: DataPlaneCapabilities;
  /** Every call with its arguments, in order; `calls.expect([...])` compares. */
  readonly calls: CallLog;
  readonly wires = new Set<MockWire>();
  #gone: string | undefined;
  #closing: Promise<void> | undefined;

  /** @param capabilities - to pretend less than the mock can do */
  constructor(host: MockHost, capabilities: Partial<DataPlaneCapabilities> = {}) {
    this.host = host;
    this.capabilities = { ...CAPABILITIES, ...capabilities };
    this.calls = new CallLog(host.network.scheduler);
  }

  status(): DataPlaneStatus {
    return {
      name: "mock",
      capabilities: this.capabilities,
      features: [{ feature: "wire", using: "memory", why: "this is a simulation" }],
    };
  }

  open(binding: Binding, onControl: ControlHandler): Promise<MockWire> {
    return this.calls.run("open", "plane", binding, () => {
      if (this.#gone !== undefined)
        throw new PlaneError("closed", `open: the data plane is gone (${this.#gone})`);
      checkBinding(binding, this.capabilities);
      const owner = {
        capabilities: this.capabilities,
        log: this.calls,
        remove: (w: MockWire) => this.wires.delete(w),
      };
      const wire = new MockWire(owner, this.#place(binding), binding.encapsulation, binding.local, onControl);
      this.wires.add(wire);
      return wire;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.calls.run("closePlane", "plane", undefined, () => this.#end("it was closed"), {
      evenIfFailed: true,
    });
    return this.#closing;
  }

  // What tests do to it.

  /** See {@link CallLog.fail}. */
  fail(call: CallName, options?: FaultOptions & { error?: Error; afterMs?: number }): void {
    this.calls.fail(call, options);
  }

  /** See {@link CallLog.hang}. */
  hang(call: CallName, options?: FaultOptions): Hanging {
    return this.calls.hang(call, options);
  }

  /** See {@link CallLog.delay}. */
  delay(call: CallName, ms: number, options?: FaultOptions): void {
    this.calls.delay(call, ms, options);
  }

  /** The process dies: sockets, tunnels, sessions and reservations are gone at once, and nobody is told. */
  crash(): void {
    this.#end("it crashed");
  }

  /** The tunnel with this ID, whoever created it. */
  tunnel(tunnelId: number): MockTunnel | undefined {
    for (const wire of this.wires) {
      const tunnel = wire.tunnels.get(tunnelId);
      if (tunnel !== undefined) return tunnel;
    }
    return undefined;
  }

  /** The session with this ID (v2: of this tunnel), or by the name of its interface. */
  session(
    which: { sessionId: number; tunnelId?: number } | { interfaceName: string },
  ): MockSession | undefined {
    return this.sessions().find((session) =>
      "interfaceName" in which
        ? session.interfaceName === which.interfaceName
        : session.sessionId === which.sessionId &&
          (which.tunnelId === undefined ||
            this.tunnel(which.tunnelId)?.sessions.get(which.sessionId) === session),
    );
  }

  /** All sessions that are up. */
  sessions(): MockSession[] {
    return [...this.wires].flatMap((wire) =>
      [...wire.tunnels.values()].flatMap((tunnel) => [...tunnel.sessions.values()]),
    );
  }

  #place({ namespace }: Binding): MockHost {
    if (namespace === undefined) return this.host;
    const host = this.host.network.findHost(namespace);
    if (host === undefined) {
      throw new PlaneError(
        "no-such-namespace",
        `namespace "${namespace}": the network has no host of that name`,
      );
    }
    return host;
  }

  #end(reason: string): void {
    this.#gone ??= reason;
    for (const wire of [...this.wires]) wire.end(reason);
  }
}
