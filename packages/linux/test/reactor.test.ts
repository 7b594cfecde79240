import { readdirSync, readlinkSync } from "node:fs";
import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import {
  abi,
  addressOf,
  createNamespace,
  Reactor,
  raw,
  spawnThread,
  sys,
  UnsupportedError,
} from "../src/index.ts";

const one = new Uint8Array(BigUint64Array.of(1n).buffer);
/** Empties an eventfd. */
const drain = (fd: number) => raw().read(fd, new Uint8Array(8), 8);

needs("linux")(
  "a descriptor that is ready is told, again for each event, and no longer when closed",
  async () => {
    using reactor = new Reactor();
    const fd = sys.eventfd(0, abi.EFD_NONBLOCK);
    let told = 0;
    let wake = () => {};
    const next = () => new Promise<void>((resolve) => (wake = resolve));
    const watch = reactor.watch(fd, (events) => {
      expect(events & abi.EPOLLIN).toBe(abi.EPOLLIN);
      told++;
      drain(fd);
      wake();
    });
    for (let i = 1; i <= 3; i++) {
      const again = next();
      sys.write(fd, one);
      await again;
      expect(told).toBe(i);
    }
    watch.close();
    watch.close();
    sys.write(fd, one);
    // Another descriptor's event comes through behind whatever would have come for the first.
    const other = sys.eventfd(1, abi.EFD_NONBLOCK);
    await new Promise<void>((resolve) => {
      const last = reactor.watch(other, () => {
        last.close();
        resolve();
      });
    });
    expect(told).toBe(3);
    sys.close(fd);
    sys.close(other);
  },
);

needs("linux")("level: told until it is drained; oneshot: told once, until it is armed again", async () => {
  using reactor = new Reactor();
  const level = sys.eventfd(1, abi.EFD_NONBLOCK);
  const oneshot = sys.eventfd(1, abi.EFD_NONBLOCK);
  let levelTold = 0;
  let oneshotTold = 0;
  let armed: { rearm(): void } | undefined;
  await new Promise<void>((resolve) => {
    armed = reactor.watch(oneshot, () => oneshotTold++, { mode: "oneshot" });
    reactor.watch(level, () => {
      levelTold++;
      if (levelTold < 5) return;
      drain(level);
      resolve();
    });
  });
  expect([levelTold, oneshotTold]).toEqual([5, 1]);
  armed?.rearm();
  await expect.poll(() => oneshotTold).toBe(2);
  sys.close(level);
  sys.close(oneshot);
});

needs("linux")("writable is told too, and hang-ups without being asked for", async () => {
  using reactor = new Reactor();
  const [out, into] = sys.pipe2(abi.O_NONBLOCK);
  await new Promise<void>((resolve) => {
    const watch = reactor.watch(
      into,
      (events) => {
        expect(events).toBe(abi.EPOLLOUT);
        watch.close();
        resolve();
      },
      { events: abi.EPOLLOUT },
    );
  });
  const hangUp = new Promise<number>((resolve) => {
    reactor.watch(out, resolve, { mode: "oneshot" });
  });
  sys.close(into);
  expect(await hangUp).toBe(abi.EPOLLHUP);
  sys.close(out);
});

needs("linux")(
  "a reactor that ends tells those who watch, refuses more, and a new shared one takes its place",
  async () => {
    const reactor = Reactor.shared();
    expect(Reactor.shared()).toBe(reactor);
    const fd = sys.eventfd(0, abi.EFD_NONBLOCK);
    const failure = new Promise<Error>((resolve) => {
      reactor.watch(fd, () => {}, { onFailure: resolve });
    });
    reactor.close();
    reactor.close();
    expect(await failure).toMatchObject({ code: "ERR_CLOSED" });
    expect(() => reactor.watch(fd, () => {})).toThrow(/reactor is closed/);
    await expect(reactor.send(fd, one)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    using next = Reactor.shared();
    expect(next).not.toBe(reactor);
    sys.close(fd);
  },
);

needs("linux")(
  "a descriptor cannot be watched twice, nor a plain file, and the slot is free again",
  async () => {
    using reactor = new Reactor();
    const fd = sys.eventfd(0, abi.EFD_NONBLOCK);
    const file = sys.open("/etc/passwd", abi.O_RDONLY);
    const first = reactor.watch(fd, () => {});
    expect(() => reactor.watch(fd, () => {})).toThrow(/epoll_ctl: EEXIST/);
    expect(() => reactor.watch(file, () => {})).toThrow(/epoll_ctl: EPERM/);
    first.close();
    const told = new Promise<number>((resolve) => {
      reactor.watch(fd, resolve, { mode: "oneshot" });
    });
    sys.write(fd, one);
    expect(await told).toBe(abi.EPOLLIN);
    sys.close(fd);
    sys.close(file);
  },
);

needs("linux")("a descriptor that was closed before its registration ends it with the reason", async () => {
  using reactor = new Reactor();
  const fd = sys.eventfd(1, abi.EFD_NONBLOCK);
  const failure = await new Promise<Error>((resolve) => {
    reactor.watch(fd, () => sys.close(fd), { onFailure: resolve });
  });
  expect(failure).toMatchObject({ code: "EBADF", syscall: "epoll_ctl" });
});

needs("linux")("a send in the thread gives its result, or the error with its number", async () => {
  using reactor = new Reactor();
  expect(await reactor.send(-1 as never, one).catch((error: unknown) => error)).toMatchObject({
    code: "EBADF",
  });
});

needs("linux")("a thread whose file is missing is refused with where it was looked for", () => {
  expect(() => spawnThread(import.meta.url, "no-such-thread")).toThrow(UnsupportedError);
  expect(() => spawnThread(import.meta.url, "no-such-thread")).toThrow(/test\/no-such-thread\.ts/);
});

needs("root")("a thread started inside of another namespace belongs to the process's own", async () => {
  using other = createNamespace();
  const home = readlinkSync("/proc/thread-self/ns/net");
  const before = new Set(readdirSync("/proc/self/task"));
  using reactor = other.run(() => new Reactor());
  const started = readdirSync("/proc/self/task").filter((task) => !before.has(task));
  expect(started.length).toBeGreaterThan(0);
  for (const task of started) expect(readlinkSync(`/proc/self/task/${task}/ns/net`)).toBe(home);
  expect(reactor).toBeDefined();
});

needs("linux")("the calls of a packet loop allocate nothing", () => {
  const kernel = raw();
  const arena = new Uint8Array(65_536);
  const base = addressOf(arena);
  const fd = sys.socket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK);
  const calls = 100_000;
  const loop = () => {
    for (let i = 0; i < calls; i++) kernel.recvmmsg(fd, base, 0, 0x40, null);
    for (let i = 0; i < calls; i++) kernel.read(fd, base, 64);
  };
  loop();
  // The least of several: the collector and the test runner allocate when they like.
  const octets = Array.from({ length: 5 }, () => {
    const before = process.memoryUsage().heapUsed;
    loop();
    return process.memoryUsage().heapUsed - before;
  });
  expect(arena.length).toBe(65_536);
  expect(Math.min(...octets.map(Math.abs)) / (2 * calls)).toBeLessThan(0.5);
  sys.close(fd);
});

needs("linux")("calls by the thousand are told a few in each turn of the event loop, in order", async () => {
  using reactor = new Reactor();
  const fd = sys.eventfd(0, abi.EFD_NONBLOCK);
  const order: number[] = [];
  let inTurn = 0;
  let most = 0;
  let turning = true;
  const turn = () => {
    most = Math.max(most, inTurn);
    inTurn = 0;
    if (turning) setImmediate(turn);
  };
  turn();
  const calls = Array.from({ length: 10_000 }, async (_, i) => {
    // No socket: the kernel refuses at once.
    const refused = await reactor.send(fd, new Uint8Array(1)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "ENOTSOCK" });
    order.push(i);
    inTurn++;
  });
  await Promise.all(calls);
  turning = false;
  expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(32);
  sys.close(fd);
});
