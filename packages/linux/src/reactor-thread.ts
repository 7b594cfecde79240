/**
 * The reactor's thread: waits in epoll, says which descriptors are ready, and makes the calls that may take long
 * (a netlink request is worked off by the kernel inside send()). The main thread adds and removes descriptors by itself:
 * epoll_ctl takes effect while another thread waits. An eventfd wakes the wait for commands and for the end.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { epoll_event } from "./abi.ts";
import { ERRNO } from "./errno.ts";
import { SyscallError } from "./errors.ts";
import type { ReactorCommand, ReactorReport, ReactorThreadData } from "./reactor.ts";
import { raw } from "./syscalls.ts";

const BATCH = 64;
const { epoll, wake, stop } = workerData as ReactorThreadData;
if (parentPort === null) throw new Error("reactor-thread: runs as a worker thread only");
const inbox = parentPort;
const kernel = raw();
const events = new Uint8Array(BATCH * epoll_event.size);
const view = new DataView(events.buffer);
const counter = new Uint8Array(8);
const EINTR = ERRNO["EINTR"] as number;

/** @returns pairs of ID and result. */
function runCommands(): number[] {
  kernel.read(wake, counter, counter.length);
  const sent: number[] = [];
  for (let next = receiveMessageOnPort(inbox); next !== undefined; next = receiveMessageOnPort(inbox)) {
    for (const { id, fd, datagram } of next.message as ReactorCommand[]) {
      sent.push(id, kernel.send(fd, datagram, datagram.length, 0));
    }
  }
  return sent;
}

for (;;) {
  const count = kernel.epoll_wait(epoll, events, BATCH, -1);
  if (Atomics.load(stop, 0) !== 0) break;
  if (count === -EINTR) continue;
  if (count < 0) throw new SyscallError("epoll_wait", -count, "reactor");
  const ready: number[] = [];
  let woken = false;
  for (let i = 0; i < count; i++) {
    const at = i * epoll_event.size;
    const slot = view.getUint32(at + epoll_event.data, true);
    const generation = view.getUint32(at + epoll_event.data + 4, true);
    if (generation === 0) woken = true;
    else ready.push(slot, generation, view.getUint32(at + epoll_event.events, true));
  }
  const sent = woken ? runCommands() : [];
  const report: ReactorReport = { ready, sent };
  inbox.postMessage(report);
}
inbox.close();
