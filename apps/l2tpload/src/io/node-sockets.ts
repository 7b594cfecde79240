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

function drive(engine: Engine, sockets: readonly Socket[], control: RunControl): Promise<void> {
  const { counts } = engine.tally;
  return new Promise<void>((done, failed) => {
    let timer: NodeJS.Timeout | undefined;
    let due = 0;
    let stops = 0;
    const flush = (now: number) => {
      for (let out = engine.pollTransmit(); out !== undefined; out = engine.pollTransmit()) {
        const socket = sockets[out.wire] as Socket;
        socket.send(Uint8Array.from(out.datagram), out.to.port, out.to.address, (error) => {
          if (error !== null) counts.sendFailures++;
        });
      }
      const next = engine.pollTimeout();
      if (next === undefined) {
        clearTimeout(timer);
        timer = undefined;
        done();
        return;
      }
      if (timer !== undefined && due <= next) return;
      clearTimeout(timer);
      due = next;
      timer = setTimeout(tick, Math.min(Math.max(0, next - now), LONGEST_WAIT_MS));
    };
    const tick = guarded(() => {
      timer = undefined;
      const now = performance.now();
      while (stops < control.stops) {
        stops++;
        engine.stop(now);
      }
      engine.handleTimeout(now);
      control.progress = engine.progress;
      flush(now);
    });
    function guarded<A extends unknown[]>(body: (...args: A) => void): (...args: A) => void {
      return (...args) => {
        try {
          body(...args);
        } catch (error) {
          clearTimeout(timer);
          failed(error as Error);
        }
      };
    }
    for (const [wire, socket] of sockets.entries()) {
      const { family } = socket.address();
      socket.on("error", () => counts.sendFailures++);
      socket.on(
        "message",
        guarded((datagram, { address, port }) => {
          const now = performance.now();
          engine.handleDatagram(now, { family: family === "IPv4" ? 4 : 6, address, port, wire }, datagram);
          flush(now);
        }),
      );
    }
    const now = performance.now();
    guarded(() => {
      engine.start(now);
      flush(now);
    })();
  });
}
