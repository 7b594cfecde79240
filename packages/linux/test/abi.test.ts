import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import * as abi from "../src/abi.ts";
import * as nlabi from "../src/abi-netlink.ts";
import * as nftabi from "../src/abi-nftables.ts";
import * as pppabi from "../src/abi-ppp.ts";
import * as ttyabi from "../src/abi-tty.ts";
import { ERRNO, UnsupportedError } from "../src/index.ts";

/** In the order that lets glibc's and the kernel's headers live together. */
const HEADERS = [
  "errno.h fcntl.h poll.h sched.h stddef.h stdio.h time.h",
  "sys/epoll.h sys/eventfd.h sys/mount.h sys/resource.h sys/socket.h sys/uio.h sys/un.h",
  "netinet/in.h linux/capability.h linux/filter.h linux/genetlink.h linux/if.h linux/if_addr.h linux/if_tun.h",
  "linux/neighbour.h linux/netlink.h linux/rtnetlink.h linux/sockios.h netinet/udp.h linux/virtio_net.h",
  "linux/if_ether.h linux/if_pppox.h linux/ppp_defs.h linux/ppp-ioctl.h linux/ppp-comp.h sys/ioctl.h linux/tty.h asm/termbits.h",
  "linux/netfilter.h linux/netfilter_ipv4.h linux/netfilter/nfnetlink.h linux/netfilter/nf_tables.h",
].flatMap((line) => line.split(" "));

/** Newer than the oldest distribution's headers, or the kernel's own and in no header for programs. */
const MAYBE_ABSENT = new Set([
  "TUN_F_USO4",
  "TUN_F_USO6",
  "VIRTIO_NET_HDR_GSO_UDP_L4",
  "NLMSG_MIN_TYPE",
  "IPPROTO_L2TP",
]);

/** Compiles a program that prints `name value` lines for what the tables say. */
function print(expressions: readonly (readonly [name: string, expression: string])[]): Map<string, number> {
  const folder = mkdtempSync(join(tmpdir(), "l2tp-abi-"));
  try {
    const lines = expressions.map(([name, expression]) => {
      const line = `printf("%s %llu\\n", "${name}", (unsigned long long)(${expression}));`;
      return MAYBE_ABSENT.has(name) ? `#ifdef ${name}\n${line}\n#endif` : line;
    });
    const source = join(folder, "abi.c");
    const include = HEADERS.map((header) => `#include <${header}>`).join("\n");
    writeFileSync(
      source,
      `#define _GNU_SOURCE\n${include}\nint main(void) {\n${lines.join("\n")}\nreturn 0; }\n`,
    );
    execFileSync("gcc", ["-w", "-o", join(folder, "abi"), source], { stdio: ["ignore", "pipe", "pipe"] });
    const printed = execFileSync(join(folder, "abi"), { encoding: "utf8" });
    return new Map(
      printed
        .trim()
        .split("\n")
        .map((line) => line.split(" "))
        .map(([name, value]) => [name as string, Number(BigInt.asUintN(32, BigInt(value as string)))]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const exported: [string, unknown][] = [
  ...[abi, nlabi, nftabi, pppabi, ttyabi].flatMap((module) => Object.entries(module)),
];
const constants = [
  ...exported.filter((one): one is [string, number] => typeof one[1] === "number"),
  ...Object.entries(abi.CAPABILITY),
];
const layouts = exported.filter(
  (one): one is [string, Record<string, number>] =>
    typeof one[1] === "object" && one[1] !== null && "size" in one[1],
);

needs("linux", { tool: "gcc" })("every constant has the value that the C headers give it", () => {
  const printed = print(
    // NLA_TYPE_MASK is an int's complement in C; the type has 16 bits.
    constants.map(([name]) => [name, name === "NLA_TYPE_MASK" ? `${name} & 0xffff` : name]),
  );
  const expected = new Map(constants.map(([name, value]) => [name, value >>> 0]));
  for (const name of MAYBE_ABSENT) if (!printed.has(name)) expected.delete(name);
  expect(Object.fromEntries(printed)).toEqual(Object.fromEntries(expected));
  expect(printed.size).toBeGreaterThan(200);
});

needs("linux", { tool: "gcc" })(
  "every structure has the size and offsets that the C compiler gives it",
  () => {
    const expressions = layouts.flatMap(([name, layout]) =>
      Object.keys(layout).map((member): [string, string] => [
        `${name}.${member}`,
        member === "size" ? `sizeof(struct ${name})` : `offsetof(struct ${name}, ${member})`,
      ]),
    );
    const expected = layouts.flatMap(([name, layout]) =>
      Object.entries(layout).map(([member, value]) => [`${name}.${member}`, value]),
    );
    expect(Object.fromEntries(print(expressions))).toEqual(Object.fromEntries(expected));
  },
);

needs("linux", { tool: "gcc" })("every error number is the system's", () => {
  const printed = print(Object.keys(ERRNO).map((name) => [name, name]));
  expect(Object.fromEntries(printed)).toEqual(ERRNO);
});

test("epoll_event is packed on x86_64 and nowhere else", () => {
  expect(abi.epollEventLayout("x64")).toEqual({ size: 12, events: 0, data: 4 });
  expect(abi.epollEventLayout("arm64")).toEqual({ size: 16, events: 0, data: 8 });
});

test("other systems and architectures are refused with the reason", () => {
  expect(() => abi.requirePlatform("darwin", "arm64")).toThrow(UnsupportedError);
  expect(() => abi.requirePlatform("darwin", "arm64")).toThrow(/this is darwin: run it on Linux/);
  expect(() => abi.requirePlatform("linux", "riscv64")).toThrow(/not of riscv64/);
  expect(() => abi.requirePlatform("linux", "arm64")).not.toThrow();
});
