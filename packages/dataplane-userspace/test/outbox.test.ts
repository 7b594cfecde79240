/** What the outbox lays before the kernel, read back from memory, and what it does when the kernel refuses. */
import fc from "@l2tp/testing/fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Arena } from "../src/arena.ts";
import { EAGAIN, EIO, EMSGSIZE } from "../src/errno.ts";
import { type Destination, Outbox, type OutboxPort } from "../src/worker/outbox.ts";

const BASE = 0x7f12_3456_7000;
const ENETUNREACH = 101;

/** One message as the kernel would read it. */
interface Sent {
  readonly fd: number;
  readonly name: number;
  readonly datagrams: readonly string[];
  readonly control: number;
}

class FakeKernel implements OutboxPort {
  readonly arena = new Arena(1_000_000, () => BASE);
  readonly sent: Sent[] = [];
  readonly failures: [row: number, octets: number, errno: number][] = [];
  readonly refusals: number[] = [];
  calls = 0;
  waits = 0;
  /** Says what becomes of a message: 0 or an error number. */
  judge: (message: Sent) => number = () => 0;

  sendmmsg(fd: number, messages: number, count: number): number {
    this.calls++;
    for (let i = 0; i < count; i++) {
      const message = this.#read(fd, messages + i * 64);
      const errno = this.judge(message);
      if (errno !== 0) return i > 0 ? i : -errno;
      this.sent.push(message);
    }
    return count;
  }

  #pointer(at: number): number {
    const { view } = this.arena;
    const address = view.getUint32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
    expect(address).toBeGreaterThanOrEqual(BASE);
    return address - BASE;
  }

  /** Reads a msghdr as `struct msghdr` says, and cuts it as UDP_SEGMENT says. */
  #read(fd: number, at: number): Sent {
    const { view, u8 } = this.arena;
    const slices = view.getUint32(at + 24, true);
    const iov = this.#pointer(at + 16);
    let octets = "";
    for (let i = 0; i < slices; i++) {
      const from = this.#pointer(iov + i * 16);
      octets += String.fromCharCode(...u8.subarray(from, from + view.getUint32(iov + i * 16 + 8, true)));
    }
    const controlLength = view.getUint32(at + 40, true);
    let control = 0;
    let segment = octets.length;
    for (let c = 0; c < controlLength; ) {
      const cmsg = this.#pointer(at + 32) + c;
      const length = view.getUint32(cmsg, true);
      if (view.getUint32(cmsg + 8, true) === 17) segment = view.getUint16(cmsg + 16, true);
      else control = length;
      c += (length + 7) & ~7;
    }
    expect(octets.length).toBeLessThanOrEqual(65_487);
    const datagrams = octets.match(new RegExp(`.{1,${Math.max(1, segment)}}`, "gs")) ?? [];
    expect(datagrams.length).toBeLessThanOrEqual(64);
    return { fd, name: this.#pointer(at), datagrams, control };
  }

  waitWritable(): boolean {
    this.waits++;
    return true;
  }

  failed(row: number, octets: number, _: Destination, errno: number): void {
    this.failures.push([row, octets, errno]);
  }

  gsoRefused(destination: Destination, octets: number): void {
    this.refusals.push(octets);
    destination.gsoLimit = octets - 1;
  }
}

let kernel: FakeKernel;
let outbox: Outbox;
let at: number;

beforeEach(() => {
  kernel = new FakeKernel();
  outbox = new Outbox(kernel.arena, kernel);
  at = 500_000;
});

const destination = (change: Partial<Destination> = {}): Destination => ({
  fd: 3,
  name: 400_000,
  nameLength: 16,
  control: 400_100,
  controlLength: 0,
  gsoLimit: 0xffff,
  ...change,
});

/** Adds a datagram of one repeated letter, in one or two slices. */
function add(to: Destination, letter: string, length: number, split = 0, row = 0): void {
  kernel.arena.u8.fill(letter.charCodeAt(0), at, at + length);
  if (split > 0) outbox.add(to, row, at, split, at + split, length - split);
  else outbox.add(to, row, at, length, 0, 0);
  at += length;
}

const lengths = () => kernel.sent.map(({ datagrams }) => datagrams.map(({ length }) => length));

describe("the outbox", () => {
  test("puts datagrams of one length into one message, a shorter one ends it", () => {
    const to = destination();
    for (const length of [100, 100, 100, 60, 100, 120]) add(to, "a", length);
    outbox.flush();
    expect(lengths()).toEqual([[100, 100, 100, 60], [100], [120]]);
    expect(kernel.calls).toBe(1);
  });

  test("without GSO each datagram is a message, and they go in one call", () => {
    const to = destination({ gsoLimit: 0 });
    for (const length of [100, 100, 60]) add(to, "a", length);
    outbox.flush();
    expect(lengths()).toEqual([[100], [100], [60]]);
    expect(kernel.calls).toBe(1);
  });

  test("keeps destinations apart, and sockets in calls of their own", () => {
    const [one, two, three] = [destination(), destination({ name: 400_200 }), destination({ fd: 4 })];
    for (const to of [one, two, one, three]) add(to, "a", 50);
    outbox.flush();
    expect(kernel.sent.map(({ fd, name }) => [fd, name])).toEqual([
      [3, 400_000],
      [3, 400_200],
      [3, 400_000],
      [4, 400_000],
    ]);
    expect(kernel.calls).toBe(2);
  });

  test("carries the source address beside the segment size", () => {
    const to = destination({ controlLength: 32 });
    kernel.arena.size(to.control, 28);
    add(to, "a", 50);
    add(to, "a", 50);
    add(to, "b", 70);
    outbox.flush();
    expect(kernel.sent.map(({ control, datagrams }) => [control, datagrams.length])).toEqual([
      [28, 2],
      [28, 1],
    ]);
  });

  test("loses, doubles and moves nothing, whatever comes", () => {
    const datagram = fc.record({
      to: fc.nat({ max: 2 }),
      length: fc.oneof(fc.constant(1_400), fc.integer({ min: 2, max: 3_000 })),
      split: fc.nat({ max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 400 }), fc.boolean(), (datagrams, gso) => {
        kernel = new FakeKernel();
        outbox = new Outbox(kernel.arena, kernel);
        at = 500_000;
        const to = [0, 1, 2].map((i) =>
          destination({ name: 400_000 + i * 64, fd: i < 2 ? 3 : 4, gsoLimit: gso ? 0xffff : 0 }),
        );
        const expected: string[] = [];
        for (const [i, { to: which, length, split }] of datagrams.entries()) {
          const letter = String.fromCharCode(33 + (i % 90));
          if (at + length > 990_000) {
            outbox.flush();
            at = 500_000;
          }
          add(to[which] as Destination, letter, length, split);
          expected.push(`${which}${letter.repeat(length)}`);
        }
        outbox.flush();
        const got = kernel.sent.flatMap(({ name, datagrams: cut }) =>
          cut.map((d) => `${(name - 400_000) / 64}${d}`),
        );
        expect(got.length).toBe(expected.length);
        expect(got).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test.each([EMSGSIZE, EIO])(
    "a GSO message that is refused (%i) goes in pieces, and later ones are no longer tried",
    (errno) => {
      const to = destination();
      kernel.judge = ({ datagrams }) => (datagrams.length > 1 ? errno : 0);
      for (let i = 0; i < 3; i++) add(to, "a", 100, 40);
      add(to, "b", 120);
      outbox.flush();
      expect(lengths()).toEqual([[100], [100], [100], [120]]);
      expect(kernel.refusals).toEqual([100]);
      add(to, "c", 100);
      add(to, "c", 100);
      outbox.flush();
      expect(kernel.refusals).toEqual([100]);
      expect(kernel.failures).toEqual([]);
    },
  );

  test("a datagram that is too long is lost alone, and counted for its session", () => {
    const to = destination();
    kernel.judge = ({ datagrams }) => (datagrams.some(({ length }) => length > 110) ? EMSGSIZE : 0);
    for (const [row, length] of [90, 120, 120, 80].entries()) add(to, "a", length, 0, row);
    outbox.flush();
    expect(lengths().flat()).toEqual([90, 80]);
    expect(kernel.failures).toEqual([
      [1, 120, EMSGSIZE],
      [2, 120, EMSGSIZE],
    ]);
  });

  test("an error that an earlier datagram left behind costs nothing", () => {
    let errors = 1;
    kernel.judge = () => (errors-- > 0 ? 111 : 0);
    add(destination(), "a", 100);
    outbox.flush();
    expect(lengths()).toEqual([[100]]);
    expect(kernel.failures).toEqual([]);
  });

  test("an error that stays loses the message and not those behind it", () => {
    const [lost, good] = [destination({ name: 400_300 }), destination()];
    kernel.judge = ({ name }) => (name === 400_300 ? ENETUNREACH : 0);
    add(lost, "a", 100, 0, 7);
    add(lost, "a", 100, 0, 7);
    add(good, "b", 100);
    outbox.flush();
    expect(kernel.sent.map(({ name }) => name)).toEqual([400_000]);
    expect(kernel.failures).toEqual([
      [7, 100, ENETUNREACH],
      [7, 100, ENETUNREACH],
    ]);
  });

  test("a full socket buffer is waited for, but not for ever", () => {
    let full = 3;
    kernel.judge = () => (full-- > 0 ? EAGAIN : 0);
    add(destination(), "a", 100);
    outbox.flush();
    expect([kernel.waits, kernel.failures]).toEqual([3, []]);
    kernel.judge = () => EAGAIN;
    add(destination(), "b", 100, 0, 5);
    outbox.flush();
    expect(kernel.failures).toEqual([[5, 100, EAGAIN]]);
    expect(kernel.waits).toBeLessThan(20);
  });
});
