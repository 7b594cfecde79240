/** Clamping the MSS: the codec against what `nft` and a kernel said to each other (vectors/nft-mss.json), and this kernel's packets. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { needs } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import { FrameSocket, Site } from "../../../tools/lab/src/index.ts";
import {
  link,
  MssClamp,
  type NetworkNamespace,
  neighbour,
  netlink,
  nftabi,
  nftables,
  nftexpressions,
  nlabi,
  route,
  SyscallError,
} from "../src/index.ts";
import { HOSTS, passSegment, ROUTER_MAC, type SegmentWish, TCP_FLAG } from "./support/segments.ts";

const { recorded } = JSON.parse(readFileSync(new URL("vectors/nft-mss.json", import.meta.url), "utf8")) as {
  recorded: { command: string; requests: string[]; answers: string[] }[];
};
const octets = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The message between begin and end of the transaction that a command sends. */
function theirs(command: string): netlink.NetlinkMessage {
  const found = recorded.find((one) => one.command === command);
  if (found === undefined) throw new Error(`not recorded: ${command}`);
  const all = found.requests.flatMap((text) => netlink.decodeMessages(octets(text)));
  const begin = all.findIndex(({ type }) => type === nftabi.NFNL_MSG_BATCH_BEGIN);
  return all[begin + 1] as netlink.NetlinkMessage;
}

const table = { family: "inet", name: "l2tpd" } as const;
const maps = { 4: { table, name: "ipv4", id: 1 }, 6: { table, name: "ipv6", id: 2 } } as const;
const { jumpTo, lowerMss, matchFamily, matchTcpSyn } = nftexpressions;

describe("a change is, octet for octet, what nft sends", () => {
  const typed = "{ typeof meta oif : tcp option maxseg size ; }";
  const changes: [string, netlink.NetlinkPart][] = [
    [
      "nft add table inet l2tp-mss { flags owner ; }",
      nftables.addTable({ family: "inet", name: "l2tp-mss" }, { owned: true }),
    ],
    ["nft add table inet l2tpd", nftables.addTable(table)],
    [
      "nft add chain inet l2tpd forward { type filter hook forward priority mangle ; policy accept ; }",
      nftables.addForwardChain(table, "forward"),
    ],
    ["nft add chain inet l2tpd clamp", nftables.addChain(table, "clamp")],
    [`nft add map inet l2tpd ipv4 ${typed}`, nftables.addMap(maps[4])],
    // Each is the first of its own transaction there.
    [`nft add map inet l2tpd ipv6 ${typed}`, nftables.addMap({ ...maps[6], id: 1 })],
    [
      "nft add rule inet l2tpd forward tcp flags syn / syn,rst jump clamp",
      nftables.addRule(table, "forward", [...matchTcpSyn, jumpTo("clamp")]),
    ],
    [
      "nft add rule inet l2tpd clamp meta nfproto ipv4 tcp option maxseg size set meta iif map @ipv4",
      nftables.addRule(table, "clamp", [...matchFamily(4), ...lowerMss("input", maps[4])]),
    ],
    [
      "nft add rule inet l2tpd clamp meta nfproto ipv6 tcp option maxseg size set meta oif map @ipv6",
      nftables.addRule(table, "clamp", [...matchFamily(6), ...lowerMss("output", maps[6])]),
    ],
    ["nft add element inet l2tpd ipv4 { lo : 1360 }", nftables.addElements(maps[4], [[1, 1360]])],
    ["nft delete element inet l2tpd ipv4 { lo }", nftables.deleteElements(maps[4], [1])],
  ];
  test.each(changes)("%s", (command, change) => {
    const their = theirs(command);
    expect(hex(change.payload)).toBe(hex(their.payload));
    expect([change.type, change.flags | nlabi.NLM_F_REQUEST]).toEqual([their.type, their.flags]);
  });
  test("and nothing that was recorded is left out", () => {
    const others = recorded.map(({ command }) => command).filter((one) => one !== "nft list ruleset");
    expect(changes.map(([command]) => command)).toEqual(others);
  });
});

test("tables of both families read as nft lists them", () => {
  const { answers } = recorded.find(({ command }) => command === "nft list ruleset") as { answers: string[] };
  const messages = answers.flatMap((text) => netlink.decodeMessages(octets(text)));
  expect(nftables.tables().decode(messages)).toEqual([{ family: "inet", name: "l2tpd", flags: 0 }]);
});

test.each([
  ["EAFNOSUPPORT", 97, "NFT_MSG_NEWTABLE inet l2tp-mss", /modprobe nf_tables_inet/],
  ["ENOENT", 2, "NFT_MSG_NEWRULE inet l2tp-mss clamp", /modprobe nft_exthdr/],
])("%s (%i) at %s says what is missing", (_, errno, what, remedy) => {
  expect(new SyscallError("netlink", errno, what).message).toMatch(remedy);
});

// ── On this machine's kernel ─────────────────────────────────────────────────────────────────────────────────

const nft = ({ fd }: NetworkNamespace, ...words: string[]): string =>
  execFileSync("nsenter", [`--net=/proc/${process.pid}/fd/${fd}`, "nft", ...words], { encoding: "utf8" });
const ruleset = (namespace: NetworkNamespace) => nft(namespace, "list", "ruleset");
const kernel = needs("linux", "root", { tool: "nft" });

/** What `nft list` has of the maps. */
const entries = (namespace: NetworkNamespace): string[] =>
  [...ruleset(namespace).matchAll(/elements = \{ ([^}]*)\}/g)].map(([, text = ""]) =>
    text.trim().split(/,\s+/).sort().join(", "),
  );

const SIDES = ["left", "right"] as const;

/** A router between two hosts that are no more than packet sockets. */
class Crossing implements AsyncDisposable {
  readonly router = new Site("router");
  readonly #hosts = { left: new Site("left"), right: new Site("right") } as const;
  readonly #sockets: Readonly<Record<(typeof SIDES)[number], FrameSocket>>;

  constructor() {
    for (const name of SIDES) {
      const host = this.#hosts[name];
      this.router.netlink(link.add({ name, kind: "veth", peer: { name, namespace: host.namespace.fd } }));
      this.router.netlink(link.set({ name }, { address: ROUTER_MAC, up: true }));
      host.netlink(link.set({ name }, { up: true }));
      const interfaceIndex = this.router.index(name);
      for (const there of HOSTS[name]) {
        const linkAddress = "02:00:00:00:00:01";
        this.router.netlink(route.add({ destination: there, interfaceIndex }));
        this.router.netlink(neighbour.add({ interfaceIndex, address: there, linkAddress }));
      }
    }
    this.router.run(() => {
      writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
      writeFileSync("/proc/sys/net/ipv6/conf/all/forwarding", "1");
    });
    const { left, right } = this.#hosts;
    this.#sockets = { left: new FrameSocket(left, "left"), right: new FrameSocket(right, "right") };
  }

  /** Sends a segment through the router. @returns the MSS that comes out */
  pass(
    to: (typeof SIDES)[number],
    family: 4 | 6,
    mss: number,
    more: Partial<SegmentWish> = {},
  ): Promise<number> {
    return passSegment(this.#sockets, { to, family, mss, ...more });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of SIDES) await this.#sockets[side][Symbol.asyncDispose]();
    for (const site of [this.router, ...Object.values(this.#hosts)]) site[Symbol.dispose]();
  }
}

const { syn: SYN, ack: ACK, rst: RST } = TCP_FLAG;

kernel(
  "a SYN that is forwarded has no larger MSS than fits the interface, and keeps a smaller one",
  async () => {
    await using crossing = new Crossing();
    const { namespace } = crossing.router;
    const index = crossing.router.index("right");
    await using clamp = await MssClamp.open({ name: "l2tp-mss", namespace: namespace.fd });
    for (const to of SIDES) expect(await crossing.pass(to, 4, 1460)).toBe(1460);
    expect(ruleset(namespace)).toBe("");
    await clamp.set(index, { ipv4: 1360, ipv6: 1340 });
    for (const to of SIDES) {
      for (const flags of [SYN, SYN | ACK]) {
        expect(await crossing.pass(to, 4, 1460, { flags })).toBe(1360);
        expect(await crossing.pass(to, 6, 1440, { flags })).toBe(1340);
      }
      // Never raised, and no other segment is touched.
      expect(await crossing.pass(to, 4, 1359)).toBe(1359);
      expect(await crossing.pass(to, 6, 536)).toBe(536);
      expect(await crossing.pass(to, 4, 1460, { flags: ACK })).toBe(1460);
      expect(await crossing.pass(to, 4, 1460, { flags: RST | SYN })).toBe(1460);
      // Behind others: no operation thrice and a window scale.
      expect(await crossing.pass(to, 6, 9000, { before: [1, 3, 3, 7] })).toBe(1340);
    }
    // A new MTU, and the end.
    await clamp.set(index, { ipv4: 1200, ipv6: 0 });
    for (const to of SIDES) {
      expect(await crossing.pass(to, 4, 1460)).toBe(1200);
      expect(await crossing.pass(to, 6, 1440)).toBe(1440);
    }
    await clamp.set(index, undefined);
    expect(await crossing.pass("right", 4, 1460)).toBe(1460);
    expect(ruleset(namespace)).toBe("");
  },
);

kernel("a thousand interfaces are entries of two maps, and none is left behind the last", async () => {
  using site = new Site("many");
  const { namespace } = site;
  await using clamp = await MssClamp.open({ name: "l2tp-mss", namespace: namespace.fd });
  const indexes = Array.from({ length: 1000 }, (_, i) => 5_000 + i);
  await Promise.all(indexes.map((index) => clamp.set(index, { ipv4: 1360, ipv6: 1340 })));
  const listed = ruleset(namespace);
  expect(listed).toMatch(/table inet l2tp-mss \{ # progname .*\n\tflags owner\n/);
  expect(listed.match(/: 1360/g)).toHaveLength(1000);
  expect(listed.match(/: 1340/g)).toHaveLength(1000);
  const rules = listed.split("\n").map((line) => line.trim());
  expect(rules.filter((line) => /^(type|tcp|meta) /.test(line))).toEqual([
    "type filter hook forward priority mangle; policy accept;",
    "tcp flags syn / syn,rst jump clamp",
    "meta nfproto ipv4 tcp option maxseg size set iif map @ipv4",
    "meta nfproto ipv4 tcp option maxseg size set oif map @ipv4",
    "meta nfproto ipv6 tcp option maxseg size set iif map @ipv6",
    "meta nfproto ipv6 tcp option maxseg size set oif map @ipv6",
  ]);
  // What is said last holds, also where it is said twice at once.
  await Promise.all([clamp.set(5_000, undefined), clamp.set(5_000, { ipv4: 700, ipv6: 680 })]);
  await Promise.all(indexes.slice(1).map((index) => clamp.set(index, undefined)));
  expect(entries(namespace)).toEqual(["5000 : 700", "5000 : 680"]);
  await clamp.close();
  await clamp.close();
  expect(ruleset(namespace)).toBe("");
  await expect(clamp.set(1, undefined)).rejects.toMatchObject({ code: "ERR_CLOSED" });
});

kernel(
  "a second one has a table of its own, and what somebody flushed is there again with the next change",
  async () => {
    using site = new Site("flushed");
    const { namespace } = site;
    await using one = await MssClamp.open({ name: "l2tp-mss", namespace: namespace.fd });
    await one.set(7, { ipv4: 1000, ipv6: 980 });
    await using two = await MssClamp.open({ name: "l2tp-mss", namespace: namespace.fd, owned: false });
    await two.set(8, { ipv4: 1100, ipv6: 1080 });
    expect([one.table?.name, two.table?.name]).toEqual(["l2tp-mss", expect.stringMatching(/^l2tp-mss-\d+-/)]);
    // An owned table is not flushed by others.
    nft(namespace, "flush", "ruleset");
    expect(entries(namespace)).toEqual(["7 : 1000", "7 : 980"]);
    await two.set(9, { ipv4: 1200, ipv6: 1180 });
    expect(entries(namespace).sort()).toEqual([
      "7 : 1000",
      "7 : 980",
      "8 : 1080, 9 : 1180",
      "8 : 1100, 9 : 1200",
    ]);
  },
);
