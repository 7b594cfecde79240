/** A UDP port for a program that is to be started. */
import { createSocket } from "node:dgram";
import { once } from "node:events";

/** Linux gives sockets that ask for any port one from 32,768 on: whoever does so meanwhile does not take ours. */
const FIRST = 20_000;
const COUNT = 12_000;
const given = new Set<number>();

/** A UDP port of 127.0.0.1 that nobody has, and that this process gives nobody else. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    const socket = createSocket("udp4");
    const bound = once(socket, "listening").then(
      () => true,
      () => false,
    );
    socket.bind(port, "127.0.0.1");
    const isFree = await bound;
    const closed = once(socket, "close");
    socket.close();
    await closed;
    if (isFree) return port;
  }
}
