import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import {
  abi,
  addressOf,
  assembleBpf,
  attachFilter,
  attachReuseportFilter,
  createNamespace,
  decodeControl,
  decodeSocketAddress,
  detachFilter,
  encodeControl,
  encodeSocketAddress,
  type Fd,
  findControl,
  type InetSocketAddress,
  link,
  nlabi,
  packetInfoControl,
  raw,
  readControl,
  runNetlink,
  segmentControl,
  sys,
} from "../src/index.ts";

/** A UDP socket on loopback with a port of its own, closed at the end of the block. */
function udp(family: 4 | 6 = 4, prepare: (fd: Fd) => void = () => {}) {
  const fd = sys.socket(family === 4 ? abi.AF_INET : abi.AF_INET6, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK);
  prepare(fd);
  sys.bind(fd, encodeSocketAddress({ family, address: family === 4 ? "127.0.0.1" : "::1", port: 0 }));
  const local = decodeSocketAddress(sys.getsockname(fd)) as InetSocketAddress;
  return { fd, local, [Symbol.dispose]: () => sys.close(fd) };
}

/** An arena laid out by hand, as packet loops have it: mmsghdr, iovec and buffers by address. */
class Arena {
  readonly octets = new Uint8Array(1 << 20);
  readonly words = new Uint32Array(this.octets.buffer);
  readonly base = addressOf(this.octets);

  /** One mmsghdr at `at`, its iovec behind it, its control buffer at +128, its data at `data`. */
  message(at: number, data: number, length: number, control = 0): void {
    const pointer = (offset: number, to: number) => {
      this.words[offset >> 2] = (this.base + to) % 2 ** 32;
      this.words[(offset >> 2) + 1] = Math.floor((this.base + to) / 2 ** 32);
    };
    pointer(at + abi.msghdr.msg_iov, at + 64);
    this.words[(at + abi.msghdr.msg_iovlen) >> 2] = 1;
    pointer(at + 64 + abi.iovec.iov_base, data);
    this.words[(at + 64 + abi.iovec.iov_len) >> 2] = length;
    if (control > 0) pointer(at + abi.msghdr.msg_control, at + 128);
    this.words[(at + abi.msghdr.msg_controllen) >> 2] = control;
  }
}

needs("linux")(
  "socket addresses survive the kernel: IPv4, IPv6 with scope, UNIX by path and abstract",
  () => {
    using four = udp(4);
    expect(four.local).toMatchObject({ family: 4, address: "127.0.0.1" });
    expect(four.local.port).toBeGreaterThan(0);
    using six = udp(6);
    expect(six.local).toMatchObject({ family: 6, address: "::1" });
    const name = { family: "unix", path: `@l2tp-linux-test-${process.pid}` } as const;
    const unix = sys.socket(abi.AF_UNIX, abi.SOCK_DGRAM);
    sys.bind(unix, encodeSocketAddress(name));
    expect(decodeSocketAddress(sys.getsockname(unix))).toEqual(name);
    sys.close(unix);
  },
);

test("socket addresses decode to what was encoded", () => {
  const values = [
    { family: 4, address: "192.0.2.1", port: 1701 },
    { family: 6, address: "2001:db8::1", port: 1701 },
    { family: 6, address: "fe80::1%7", port: 0 },
    { family: 6, address: "::ffff:192.0.2.1", port: 65535 },
    { family: "unix", path: "/run/l2tpd/l2tpd.sock" },
    { family: "unix", path: "@abstract" },
    { family: "netlink", portId: 4711, groups: 5 },
  ] as const;
  for (const value of values) expect(decodeSocketAddress(encodeSocketAddress(value))).toEqual(value);
  expect(() => encodeSocketAddress({ family: 4, address: "::1", port: 1 })).toThrow("::1 is no IPv4 address");
  expect(() => encodeSocketAddress({ family: 4, address: "1.2.3", port: 1 })).toThrow(
    /"1.2.3" is not an IP address/,
  );
  expect(() => encodeSocketAddress({ family: 4, address: "1.2.3.4", port: 65536 })).toThrow(/port 65536/);
  expect(() => encodeSocketAddress({ family: "unix", path: "x".repeat(108) })).toThrow(/at most 107 fit/);
  expect(() => decodeSocketAddress(new Uint8Array(1))).toThrow(RangeError);
});

needs("linux")("a failed call says what it was called on, why, and what to do", () => {
  using one = udp();
  const two = sys.socket(abi.AF_INET, abi.SOCK_DGRAM);
  expect(() => sys.bind(two, encodeSocketAddress(one.local), `127.0.0.1:${one.local.port}`)).toThrow(
    expect.objectContaining({
      name: "SyscallError",
      code: "EADDRINUSE",
      errno: 98,
      syscall: "bind",
      what: `127.0.0.1:${one.local.port}`,
      message: expect.stringMatching(/^bind 127.0.0.1:\d+: EADDRINUSE \(98, .*\): .*choose another port/),
    }),
  );
  sys.close(two);
  expect(() => sys.close(two)).toThrow(/EBADF/);
  expect(raw().recv(two, new Uint8Array(1), 1, 0)).toBe(-9);
});

needs("linux")("limits, descriptors flags, pipes and eventfds", () => {
  const limit = sys.getrlimit(abi.RLIMIT_NOFILE);
  expect(limit.soft).toBeGreaterThan(0);
  sys.setrlimit(abi.RLIMIT_NOFILE, limit);
  const [out, into] = sys.pipe2(abi.O_NONBLOCK);
  expect(sys.fcntl(out, abi.F_GETFD) & abi.FD_CLOEXEC).toBe(abi.FD_CLOEXEC);
  expect(sys.fcntl(out, abi.F_GETFL) & abi.O_NONBLOCK).toBe(abi.O_NONBLOCK);
  sys.write(into, Uint8Array.of(1, 2, 3));
  const buffer = new Uint8Array(8);
  expect(sys.read(out, buffer)).toBe(3);
  expect(() => sys.read(out, buffer, "the pipe")).toThrow(/read the pipe: EAGAIN/);
  const fds = new Uint8Array(abi.pollfd.size);
  const view = new DataView(fds.buffer);
  view.setInt32(abi.pollfd.fd, out, true);
  view.setInt16(abi.pollfd.events, abi.POLLIN, true);
  expect(sys.poll(fds, 1, 0)).toBe(0);
  sys.close(into);
  expect(sys.ppoll(fds, 1, BigUint64Array.of(1n, 0n))).toBe(1);
  expect(view.getInt16(abi.pollfd.revents, true)).toBe(abi.POLLHUP);
  sys.close(out);
  const counter = sys.eventfd(5, abi.EFD_NONBLOCK);
  expect(sys.read(counter, buffer)).toBe(8);
  expect(buffer[0]).toBe(5);
  sys.close(counter);
  expect(sys.gettid()).toBe(process.pid);
});

needs("linux")(
  "64 datagrams go out in one sendmmsg and come in by one recvmmsg, by addresses into an arena",
  () => {
    using to = udp();
    using from = udp();
    sys.connect(from.fd, encodeSocketAddress(to.local));
    const arena = new Arena();
    const COUNT = 64;
    for (let i = 0; i < COUNT; i++) {
      arena.message(i * abi.mmsghdr.size, 0, 0);
      // mmsghdrs stand back to back, so the iovecs stand elsewhere.
      const iovec = 8192 + i * abi.iovec.size;
      const at = i * abi.mmsghdr.size + abi.msghdr.msg_iov;
      arena.words[at >> 2] = (arena.base + iovec) % 2 ** 32;
      arena.words[(at >> 2) + 1] = Math.floor((arena.base + iovec) / 2 ** 32);
      const data = 65536 + i * 2048;
      arena.words[iovec >> 2] = (arena.base + data) % 2 ** 32;
      arena.words[(iovec >> 2) + 1] = Math.floor((arena.base + data) / 2 ** 32);
      arena.words[(iovec + abi.iovec.iov_len) >> 2] = 100 + i;
      arena.octets.fill(i, data, data + 2048);
    }
    expect(raw().sendmmsg(from.fd, arena.base, COUNT, 0)).toBe(COUNT);
    for (let i = 0; i < COUNT; i++) arena.words[(8192 + i * abi.iovec.size + abi.iovec.iov_len) >> 2] = 2048;
    arena.octets.fill(0xff, 65536);
    expect(raw().recvmmsg(to.fd, arena.base, COUNT, abi.MSG_DONTWAIT, null)).toBe(COUNT);
    for (let i = 0; i < COUNT; i++) {
      expect(arena.words[(i * abi.mmsghdr.size + abi.mmsghdr.msg_len) >> 2]).toBe(100 + i);
      expect(arena.octets[65536 + i * 2048 + 99 + i]).toBe(i);
    }
    expect(raw().recvmmsg(to.fd, arena.base, COUNT, abi.MSG_DONTWAIT, null)).toBe(-11);
  },
);

needs("linux")("a GSO batch crosses loopback in one piece and GRO tells the size of its segments", () => {
  using to = udp(4, (fd) => sys.setsockoptInt(fd, abi.SOL_UDP, abi.UDP_GRO, 1, "UDP_GRO"));
  using from = udp();
  sys.connect(from.fd, encodeSocketAddress(to.local));
  const arena = new Arena();
  const control = encodeControl([segmentControl(1200)]);
  arena.message(0, 4096, 10 * 1200 + 7, control.length);
  arena.octets.set(control, 128);
  for (let i = 0; i < 11; i++) arena.octets.fill(i, 4096 + i * 1200, 4096 + (i + 1) * 1200);
  expect(raw().sendmsg(from.fd, arena.base, 0)).toBe(10 * 1200 + 7);
  arena.octets.fill(0xff, 4096);
  arena.message(0, 4096, 65536, 64);
  const octets = raw().recvmsg(to.fd, arena.base, abi.MSG_DONTWAIT);
  const length = arena.words[abi.msghdr.msg_controllen >> 2] as number;
  expect(octets).toBe(10 * 1200 + 7);
  expect(readControl(arena.octets.subarray(128, 128 + length)).segmentOctets).toBe(1200);
  const found = findControl(arena.words, 128, length, abi.SOL_UDP, abi.UDP_GRO);
  expect(arena.words[found >> 2]).toBe(1200);
  expect(findControl(arena.words, 128, length, abi.SOL_UDP, 9999)).toBe(-1);
  expect(arena.octets[4096 + 10 * 1200]).toBe(10);
});

needs("linux")(
  "a datagram tells the address it came to, and an answer leaves from there (IPv4, IPv6)",
  () => {
    for (const family of [4, 6] as const) {
      const fd = sys.socket(family === 4 ? abi.AF_INET : abi.AF_INET6, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK);
      if (family === 4) sys.setsockoptInt(fd, abi.IPPROTO_IP, abi.IP_PKTINFO, 1);
      else sys.setsockoptInt(fd, abi.IPPROTO_IPV6, abi.IPV6_RECVPKTINFO, 1);
      const any = { family, address: family === 4 ? "0.0.0.0" : "::", port: 0 };
      sys.bind(fd, encodeSocketAddress(any));
      const { port } = decodeSocketAddress(sys.getsockname(fd)) as InetSocketAddress;
      using peer = udp(family);
      // 127.0.0.7 is loopback's as well: a server bound to all addresses must answer from it.
      const called = family === 4 ? "127.0.0.7" : "::1";
      sys.sendto(peer.fd, Uint8Array.of(1), encodeSocketAddress({ family, address: called, port }));
      const arena = new Arena();
      arena.message(0, 4096, 100, 128);
      expect(raw().recvmsg(fd, arena.base, abi.MSG_DONTWAIT)).toBe(1);
      const length = arena.words[abi.msghdr.msg_controllen >> 2] as number;
      const { packetInfo } = readControl(arena.octets.subarray(128, 128 + length));
      expect(packetInfo).toEqual({ address: called, interfaceIndex: 1 });

      const answer = encodeControl([packetInfoControl({ address: called, interfaceIndex: 0 })]);
      arena.message(0, 4096, 1, answer.length);
      arena.octets.set(answer, 128);
      const name = encodeSocketAddress(peer.local);
      arena.octets.set(name, 512);
      arena.words[0] = (arena.base + 512) % 2 ** 32;
      arena.words[1] = Math.floor((arena.base + 512) / 2 ** 32);
      arena.words[abi.msghdr.msg_namelen >> 2] = name.length;
      expect(raw().sendmsg(fd, arena.base, 0)).toBe(1);
      const got = sys.recvfrom(peer.fd, new Uint8Array(10));
      expect(decodeSocketAddress(got.from)).toEqual({ family, address: called, port });
      sys.close(fd);
    }
  },
);

test("control messages are padded to 8 octets, and a malformed buffer is left where it breaks", () => {
  const encoded = encodeControl([
    segmentControl(1400),
    { level: abi.SOL_SOCKET, type: abi.SO_RXQ_OVFL, data: Uint8Array.of(7, 0, 0, 0) },
  ]);
  expect(encoded.length).toBe(48);
  expect(decodeControl(encoded)).toEqual([
    { level: 17, type: 103, data: Uint8Array.of(0x78, 0x05) },
    { level: 1, type: 40, data: Uint8Array.of(7, 0, 0, 0) },
  ]);
  expect(readControl(encoded).dropped).toBe(7);
  const words = new Uint32Array(encoded.slice().buffer);
  expect(findControl(words, 0, 48, abi.SOL_SOCKET, abi.SO_RXQ_OVFL)).toBe(24 + 16);
  words[0] = 3;
  expect(findControl(words, 0, 48, abi.SOL_SOCKET, abi.SO_RXQ_OVFL)).toBe(-1);
  expect(decodeControl(new Uint8Array(words.buffer))).toEqual([]);
});

/** RFC 2661 §3.1, RFC 3931 §4.1.2: bit T, the first of the header, tells control from data. */
const STEER_BY_T_BIT = assembleBpf([["ldh", 0], ["rsh", 15], ["ret-a"]]);

needs("linux")(
  "two sockets on one port: a reuse-port program of three instructions steers by the T bit",
  () => {
    const reuse = (fd: Fd) => sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_REUSEPORT, 1);
    using data = udp(4, reuse);
    const control = sys.socket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK);
    reuse(control);
    sys.bind(control, encodeSocketAddress(data.local));
    attachReuseportFilter(data.fd, STEER_BY_T_BIT);
    // From many ports, so that the kernel's hash would have mixed them.
    for (let i = 0; i < 20; i++) {
      using peer = udp();
      sys.sendto(peer.fd, Uint8Array.of(0xc8, 0x02, i), encodeSocketAddress(data.local));
      sys.sendto(peer.fd, Uint8Array.of(0x00, 0x02, i), encodeSocketAddress(data.local));
    }
    const buffer = new Uint8Array(10);
    for (const [fd, first] of [
      [data.fd, 0x00],
      [control, 0xc8],
    ] as const) {
      for (let i = 0; i < 20; i++) {
        expect(sys.recv(fd, buffer)).toBe(3);
        expect([buffer[0], buffer[2]]).toEqual([first, i]);
      }
      expect(raw().recv(fd, buffer, 10, 0)).toBe(-11);
    }
    sys.close(control);
  },
);

needs("linux")("a socket filter drops what it does not keep, until it is taken away", () => {
  using to = udp();
  using from = udp();
  const send = (first: number) =>
    sys.sendto(from.fd, Uint8Array.of(first, 2, 0, 0), encodeSocketAddress(to.local));
  // A UDP socket's filter sees the UDP header first: the payload begins at 8.
  attachFilter(
    to.fd,
    assembleBpf([
      ["ldh", 8],
      ["jset", 0x8000, "control", "data"],
      "data",
      ["ret", 0],
      "control",
      ["ret", 0xffff],
    ]),
  );
  send(0x00);
  send(0xc8);
  const buffer = new Uint8Array(10);
  expect(sys.recv(to.fd, buffer)).toBe(4);
  expect(buffer[0]).toBe(0xc8);
  expect(raw().recv(to.fd, buffer, 10, 0)).toBe(-11);
  detachFilter(to.fd);
  send(0x00);
  expect(sys.recv(to.fd, buffer)).toBe(4);
  expect(() => attachFilter(to.fd, assembleBpf([["ld", 1]]))).toThrow(/SO_ATTACH_FILTER: EINVAL/);
});

test("the assembler writes what libpcap's compiler does, and refuses jumps that cannot be", () => {
  // $ tcpdump -y EN10MB -ddd 'ip proto 115 or arp'
  const recorded = [
    "40 0 0 12",
    "21 0 2 2048",
    "48 0 0 23",
    "21 1 2 115",
    "21 0 1 2054",
    "6 0 0 262144",
    "6 0 0 0",
  ];
  const program = assembleBpf([
    ["ldh", 12],
    ["jeq", 0x800, null, "not IPv4"],
    ["ldb", 23],
    ["jeq", 115, "keep", "drop"],
    "not IPv4",
    ["jeq", 0x806, "keep", "drop"],
    "keep",
    ["ret", 262144],
    "drop",
    ["ret", 0],
  ]);
  const view = new DataView(program.buffer);
  const text = recorded.map((_, i) =>
    [
      view.getUint16(8 * i, true),
      program[8 * i + 2],
      program[8 * i + 3],
      view.getUint32(8 * i + 4, true),
    ].join(" "),
  );
  expect(text).toEqual(recorded);
  expect(program.length).toBe(8 * recorded.length);
  expect(() => assembleBpf(["back", ["ld", 0], ["ja", "back"]])).toThrow(
    /label back is -2 instructions away/,
  );
  expect(() => assembleBpf([["jeq", 1, "nowhere"]])).toThrow(/no instruction behind the label nowhere/);
  expect(() => assembleBpf([])).toThrow(/1 to 4096 instructions/);
});

needs("root")("a raw socket for L2TP over IP receives what another sends, IPv4 and IPv6", () => {
  using namespace = createNamespace();
  runNetlink(nlabi.NETLINK_ROUTE, link.set({ name: "lo" }, { up: true }), { namespace: namespace.fd });
  for (const [family, address] of [
    [abi.AF_INET, "127.0.0.1"],
    [abi.AF_INET6, "::1"],
  ] as const) {
    const open = () => sys.socket(family, abi.SOCK_RAW | abi.SOCK_NONBLOCK, abi.IPPROTO_L2TP, "raw L2TP");
    const fd = namespace.run(open);
    const to = encodeSocketAddress({ family: family === abi.AF_INET ? 4 : 6, address, port: 0 });
    sys.sendto(fd, Uint8Array.of(0, 0, 0, 7, 1, 2), to);
    const buffer = new Uint8Array(100);
    const octets = sys.recv(fd, buffer);
    // IPv4 comes with its header, IPv6 without.
    const header = family === abi.AF_INET ? 20 : 0;
    expect([...buffer.subarray(header, octets)]).toEqual([0, 0, 0, 7, 1, 2]);
    sys.close(fd);
  }
});
