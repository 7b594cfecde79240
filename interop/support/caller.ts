/** A small end of L2TPv2 on a UDP socket of its own, of the control plane alone: to call a daemon, or to be called by it. */
import { randomFillSync } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Endpoint, type EndpointChanges, type EndpointEvent, type TunnelHandle } from "@l2tp/control";
import { until } from "@l2tp/lab";
import type { SocketAddress } from "@l2tp/protocol";

/** The end. It says yes to everything, and carries nothing. */
export class Caller implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly events: EndpointEvent[] = [];
  readonly socket: Socket;
  #timer: NodeJS.Timeout | undefined;

  private constructor(socket: Socket, changes: EndpointChanges) {
    this.socket = socket;
    this.endpoint = new Endpoint({ random: (into) => void randomFillSync(into), ...changes });
    socket.on("message", (datagram, { address, port, family }) => {
      this.endpoint.handleDatagram(
        performance.now(),
        { family: family === "IPv4" ? 4 : 6, address, port },
        datagram,
      );
      this.pump();
    });
  }

  /** On a free port of `address`, or on `port`. */
  static async open(address: string, changes: EndpointChanges = {}, port = 0): Promise<Caller> {
    const socket = createSocket("udp4");
    socket.bind(port, address);
    await once(socket, "listening");
    return new Caller(socket, changes);
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Call after each call of the endpoint. */
  pump(): void {
    const now = performance.now();
    const { endpoint } = this;
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      this.events.push(event);
      if (event.type === "intent") endpoint.planeReady(now, event.token);
      else if (event.type === "question") endpoint.decide(now, event.token, { accept: true });
    }
    for (let out = endpoint.pollTransmit(); out !== undefined; out = endpoint.pollTransmit()) {
      this.socket.send(out.datagram.slice(), out.to.port, out.to.address);
    }
    clearTimeout(this.#timer);
    const due = endpoint.pollTimeout();
    if (due === undefined) return;
    this.#timer = setTimeout(() => {
      endpoint.handleTimeout(performance.now());
      this.pump();
    }, due - now);
  }

  /** Opens a tunnel and one call on it. */
  call(peer: SocketAddress, opening: object = {}): TunnelHandle {
    const now = performance.now();
    const tunnel = this.endpoint.openTunnel(now, { peer, ...opening });
    this.endpoint.openSession(now, tunnel, { kind: "incoming" });
    this.pump();
    return tunnel;
  }

  /** Waits for the tunnel and a session of it. @returns milliseconds. @throws Error with what happened instead */
  async established(tunnel: TunnelHandle, patienceMs = 20_000): Promise<number> {
    const begin = performance.now();
    const up = () => [...this.endpoint.sessions(tunnel)].some((session) => session.up);
    await until(up, "a caller's session is up", patienceMs).catch((error: unknown) => {
      const told = this.events.map((event) =>
        JSON.stringify(event, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      );
      throw new Error(`the call did not come up:\n${told.slice(-10).join("\n")}`, { cause: error });
    });
    return performance.now() - begin;
  }

  /** Ends everything with StopCCN. It is sent once; the end of retransmissions is not waited for. */
  hangUp(): void {
    this.endpoint.shutDown(performance.now());
    this.pump();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.socket.close();
    await once(this.socket, "close");
  }
}
