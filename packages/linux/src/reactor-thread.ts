/**
 * The threads of the reactor. One waits in epoll and says which descriptors are ready; the main thread adds and removes
 * them by itself: epoll_ctl takes effect while another thread waits. The other makes the calls that may take long.
 */
import { setPriority } from "node:os";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { epoll_event } from "./abi.ts";
import {
  CALLER_IDLE,
  CALLER_STOP,
  CALLS_PER_TURN,
  type Call,
  type CallerReport,
  type CallerThreadData,
} from "./caller.ts";
import { ERRNO } from "./errno.ts";
import { SyscallError } from "./errors.ts";
import { withNamespace } from "./namespace.ts";
import type { ReactorReport, ReactorThreadData } from "./reactor.ts";
import { type Fd, raw } from "./syscalls.ts";

const BATCH = 64;
/**
 * How much the thread that makes calls stands back: what it has the kernel do is worth less than that the event loop
 * comes in time.
 */
const CALLER_NICE = 5;
const kernel = raw();

function wait(outbox: MessagePort, { epoll }: ReactorThreadData): void {
  const events = new Uint8Array(BATCH * epoll_event.size);
  const view = new DataView(events.buffer);
  const EINTR = ERRNO["EINTR"] as number;
  for (;;) {
    const count = kernel.epoll_wait(epoll, events, BATCH, -1);
    if (count === -EINTR) continue;
    if (count < 0) throw new SyscallError("epoll_wait", -count, "reactor");
    const ready: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = i * epoll_event.size;
      const slot = view.getUint32(at + epoll_event.data, true);
      const generation = view.getUint32(at + epoll_event.data + 4, true);
      if (generation === 0) return;
      ready.push(slot, generation, view.getUint32(at + epoll_event.events, true));
    }
    outbox.postMessage(ready satisfies ReactorReport);
  }
}

function within(namespace: number | undefined, work: () => number): number {
  if (namespace === undefined) return work();
  try {
    return withNamespace(namespace as Fd, work);
  } catch (error) {
    return error instanceof SyscallError ? -error.errno : -(ERRNO["EIO"] as number);
  }
}

function make(one: Call): number {
  switch (one.make) {
    case "send":
      return kernel.send(one.fd, one.datagram, one.datagram.length, 0);
    case "ioctl":
      return within(one.namespace, () => kernel.ioctl(one.fd, one.request, one.argument));
    case "close":
      return kernel.close(one.fd);
  }
}

function call(port: MessagePort, { state }: CallerThreadData): void {
  try {
    // Of this thread: 0 is the calling one.
    setPriority(0, CALLER_NICE);
  } catch {
    // A sandbox forbids it: then it stands where the others do.
  }
  for (;;) {
    if (Atomics.load(state, 0) === CALLER_STOP) return;
    Atomics.compareExchange(state, 0, 1, CALLER_IDLE);
    const results: number[] = [];
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      for (const one of next.message as Call[]) {
        results.push(one.id, make(one));
        if (results.length >= 2 * CALLS_PER_TURN) port.postMessage(results.splice(0) satisfies CallerReport);
      }
    }
    if (results.length > 0) port.postMessage(results satisfies CallerReport);
    // Those that came meanwhile have made it 1 again.
    Atomics.wait(state, 0, CALLER_IDLE);
  }
}

if (parentPort === null) throw new Error("reactor-thread: runs as a worker thread only");
const data = workerData as ReactorThreadData | CallerThreadData;
if (data.role === "wait") wait(parentPort, data);
else call(parentPort, data);
parentPort.close();
