/** Callers before they are tunnels: asked about, accepted with an ID that is reserved, or refused. */
import {
  type PeerFacts,
  type PeerQuestion,
  type RefusalDecision,
  type TunnelDown,
  tunnelSettings,
} from "@l2tp/control";
import type { Logger } from "../log.ts";
import { AcceptedTunnel } from "./accepted-tunnel.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { DialledTunnel } from "./dialled-tunnel.ts";
import { reasonOfEnding } from "./ending-reason.ts";
import type { AcceptTunnel } from "./events.ts";
import type { DynamicHost } from "./host.ts";
import type { ListenerKeeper } from "./listener.ts";
import { tunnelChanges } from "./parameters.ts";
import type { Questions } from "./questions.ts";
import { sayable } from "./refusal.ts";
import type { DynamicTunnelKeeper } from "./tunnel.ts";
import { warnOf } from "./warn.ts";

/** Tries for an ID that neither the data plane nor the endpoint (where IDs rest after use) has. */
const ID_TRIES = 8;

/** What callers need of their context. */
export interface CallersOwner {
  /** Whose callers come by this wire. */
  listenerOf(wire: number): ListenerKeeper | undefined;
  isNameFree(name: string): boolean;
  add(tunnel: DynamicTunnelKeeper): void;
  forget(tunnel: DynamicTunnelKeeper): void;
}

/** Stands for the tunnel until somebody has decided. */
class Caller implements ConnectionOwner {
  readonly name: string;
  readonly logger: Logger;
  readonly helloTimeoutMs = 0;
  readonly udpChecksum = true;
  readonly #host: DynamicHost;
  readonly #listener: string;
  readonly #facts: PeerFacts;

  constructor(host: DynamicHost, listener: string, facts: PeerFacts) {
    this.name = facts.hostName;
    this.logger = host.logger;
    this.#host = host;
    this.#listener = listener;
    this.#facts = facts;
  }

  connectionUp(): void {}
  peerMoved(): void {}

  connectionDown(connection: Connection, { ending }: TunnelDown): void {
    const { from } = connection;
    if (from === undefined) return;
    const why = connection.cause ?? reasonOfEnding(ending);
    const { hostName } = this.#facts;
    warnOf(
      this.#host,
      this.logger,
      from.address,
      { listener: this.#listener, peer: from.address, port: from.port, hostName, code: why.code },
      `${hostName} at ${from.address} gets no tunnel: ${why.text}; ${why.remedy ?? ""}`,
    );
    this.#host.emitter.emit({
      type: "tunnel-refused",
      at: this.#host.clock.now(),
      listener: this.#listener,
      from,
      hostName,
      reason: why,
      ending,
    });
  }
}

export class Callers {
  readonly #host: DynamicHost;
  readonly #owner: CallersOwner;
  readonly #questions: Questions;

  constructor(host: DynamicHost, owner: CallersOwner, questions: Questions) {
    this.#host = host;
    this.#owner = owner;
    this.#questions = questions;
  }

  /** The endpoint wants to know whether this caller may have a tunnel. */
  asked(question: PeerQuestion): void {
    const { driver, wires, connections } = this.#host;
    const { tunnel, from, token } = question;
    const connection = new Connection(driver, wires);
    const lease = from.wire === undefined ? undefined : wires.leaseOpen(from.wire, connection);
    if (lease === undefined) {
      driver.command((endpoint, now) => endpoint.decide(now, token, { accept: false }));
      return;
    }
    const { family, address, port } = from;
    const listener = this.#owner.listenerOf(lease.number);
    connection.use(lease);
    connection.handle = tunnel;
    connection.from = { family, address, port };
    connection.owner = new Caller(this.#host, listener?.name ?? "", question.peer);
    connections.set(tunnel, connection);
    this.#host.watch(this.#decide(question, connection, listener));
  }

  async #decide(
    question: PeerQuestion,
    connection: Connection,
    listener: ListenerKeeper | undefined,
  ): Promise<void> {
    // That our own SCCRQ lost against this one is told right after the question.
    await undefined;
    const { owner } = connection;
    if (owner instanceof DialledTunnel) {
      await this.#acceptOwn(question, connection, owner);
      return;
    }
    let answered = false;
    const refuse = (given: RefusalDecision): boolean => {
      if (answered) return false;
      const why = sayable(given);
      answered = true;
      return this.#host.driver.command((endpoint, now) => endpoint.decide(now, question.token, why));
    };
    if (listener === undefined) {
      refuse({ accept: false, remedy: "add a listener for this address, if callers are wanted there" });
      return;
    }
    await this.#questions.peer(question, {
      listener: listener.name,
      refuse,
      accept: async (grant) => {
        if (answered) return false;
        answered = true;
        try {
          const accepted = this.#accept(question, connection, listener, grant);
          this.#host.track(accepted.catch(() => {}));
          return await accepted;
        } catch (error) {
          answered = false;
          throw error;
        }
      },
    });
  }

  /** @throws ControlError for settings that cannot be; PlaneError where no ID can be had. */
  async #accept(
    question: PeerQuestion,
    connection: Connection,
    listener: ListenerKeeper,
    grant: AcceptTunnel,
  ): Promise<boolean> {
    const { driver, connections } = this.#host;
    const { peer, tunnel: handle } = question;
    const { peerName = peer.hostName, session = {}, name: wanted, ...changes } = grant;
    const settings = tunnelSettings(driver.endpoint.settings.tunnel, changes);
    const tunnelId = await this.reserve(connection);
    if (connections.get(handle) !== connection || connection.from === undefined) return false;
    const name = this.#freeName(wanted ?? `${peerName}-${tunnelId}`);
    const facts = {
      name,
      origin: "accepted",
      peerName,
      settings,
      udpChecksum: listener.udpChecksum,
      session,
    } as const;
    const before = connection.owner;
    const tunnel = new AcceptedTunnel(
      this.#host,
      this.#owner,
      facts,
      connection,
      connection.from,
      listener.name,
    );
    this.#owner.add(tunnel);
    const undo = (): void => {
      connection.owner = before;
      this.#owner.forget(tunnel);
    };
    try {
      const inTime = driver.command((endpoint, now) =>
        endpoint.decide(now, question.token, { accept: true, name, tunnelId, ...changes }),
      );
      if (!inTime) undo();
      return inTime;
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Our SCCRQ lost against this one: it is the tunnel that we wanted. */
  async #acceptOwn(question: PeerQuestion, connection: Connection, owner: DialledTunnel): Promise<void> {
    const { driver } = this.#host;
    try {
      const tunnelId = await this.reserve(connection);
      const decision = {
        accept: true,
        name: owner.name,
        tunnelId,
        ...tunnelChanges(owner.init),
      } as const;
      driver.command((endpoint, now) => endpoint.decide(now, question.token, decision));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const refusal = { accept: false, remedy: text } as const;
      driver.command((endpoint, now) => endpoint.decide(now, question.token, refusal));
    }
  }

  /** An ID that no program on this host has, and that does not rest here. @throws PlaneError */
  async reserve(connection: Connection): Promise<number> {
    const { driver } = this.#host;
    for (let left = ID_TRIES; ; left--) {
      const tunnelId = await connection.reserve();
      if (left === 0 || driver.endpoint.isTunnelIdFree(driver.now(), tunnelId)) return tunnelId;
    }
  }

  /** Host Names are the peer's words: what is not printable, or a path, has no place in a name. */
  #freeName(wanted: string): string {
    const name = wanted.replace(/[^\w.:@-]/g, "_").slice(0, 64);
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? name : `${name}.${n}`;
      if (this.#owner.isNameFree(candidate)) return candidate;
    }
  }
}
