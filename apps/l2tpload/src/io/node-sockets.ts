/** Drives an engine with Node's own UDP sockets: on any platform, without koffi. */
import { createSocket, type Socket } from "node:dgram";
import type { SocketAddress } from "@l2tp/protocol";
import type { Engine } from "../engine.ts";
import type { RunControl } from "./control.ts";

/** What Node is asked for; what the system gives is less where it has to be. */
const BUFFER_OCTETS = 4 * 1_024 * 1_024;
/** `setTimeout` waits no shorter, and a wish to stop is seen within this. */
const LONGEST_WAIT_MS = 50;

async function open(source: SocketAddress): Promise<Socket> {
  const socket = createSocket({
    type: source.family === 4 ? "udp4" : "udp6",
    // Addresses are numbers: without this Node sends one turn of the event loop later.
    lookup: (host, _options, done) => done(null, host, source.family),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(source.port, source.address, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  try {
    socket.setRecvBufferSize(BUFFER_OCTETS);
    socket.setSendBufferSize(BUFFER_OCTETS);
  } catch {
    // The system's own sizes will do.
  }
  return socket;
}

/** Runs an engine to its end. @throws what binding a socket fails with. */
export async function driveByNode(
  engine: Engine,
  sources: readonly SocketAddress[],
  control: RunControl,
): Promise<void> {
  const sockets: Socket[] = [];
  try {
    for (const source of sources) sockets.push(await open(source));
    await drive(engine, sockets, control);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** Resolves when the engine has nothing more to wait for. */
const drive = (engine: Engine, sockets: readonly Socket[], control: RunControl): Promise<void> =>
  new Promise((done, failed) => new Drive(engine, sockets, control, { done, failed }).start());

interface End {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** One run: an engine between its sockets and one timer. */
class Drive {
  readonly #engine: Engine;
  readonly #sockets: readonly Socket[];
  readonly #control: RunControl;
  readonly #end: End;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer will ring. */
  #due = 0;
  /** Wishes to stop that the engine has heard. */
  #stops = 0;

  constructor(engine: Engine, sockets: readonly Socket[], control: RunControl, end: End) {
    this.#engine = engine;
    this.#sockets = sockets;
    this.#control = control;
    this.#end = end;
  }

  start(): void {
    for (const [wire, socket] of this.#sockets.entries()) this.#listen(wire, socket);
    this.#turn((now) => this.#engine.start(now));
  }

  #listen(wire: number, socket: Socket): void {
    const family = socket.address().family === "IPv4" ? 4 : 6;
    socket.on("error", this.#sendFailed);
    socket.on("message", (datagram, { address, port }) =>
      this.#turn((now) => this.#engine.handleDatagram(now, { family, address, port, wire }, datagram)),
    );
  }

  /** Lets the engine act, and does what it wants then. A mistake in it ends the run. */
  #turn(act: (now: number) => void): void {
    try {
      const now = performance.now();
      act(now);
      this.#transmit();
      this.#arm(now);
    } catch (error) {
      clearTimeout(this.#timer);
      this.#end.failed(error);
    }
  }

  #transmit(): void {
    for (let out = this.#engine.pollTransmit(); out !== undefined; out = this.#engine.pollTransmit()) {
      const socket = this.#sockets[out.wire] as Socket;
      socket.send(Uint8Array.from(out.datagram), out.to.port, out.to.address, (error) => {
        if (error !== null) this.#sendFailed();
      });
    }
  }

  #arm(now: number): void {
    const next = this.#engine.pollTimeout();
    if (next === undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#end.done();
      return;
    }
    if (this.#timer !== undefined && this.#due <= next) return;
    clearTimeout(this.#timer);
    this.#due = next;
    this.#timer = setTimeout(this.#tick, Math.min(Math.max(0, next - now), LONGEST_WAIT_MS));
  }

  readonly #tick = (): void =>
    this.#turn((now) => {
      this.#timer = undefined;
      for (; this.#stops < this.#control.stops; this.#stops++) this.#engine.stop(now);
      this.#engine.handleTimeout(now);
      this.#control.progress = this.#engine.progress;
    });

  readonly #sendFailed = (): void => {
    this.#engine.tally.counts.sendFailures++;
  };
}
