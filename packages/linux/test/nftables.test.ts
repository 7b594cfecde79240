/** nf_tables: the codec against what `nft` and a kernel said to each other (vectors/nft.json), and masquerading on this one. */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import fc from "@l2tp/testing/fast-check";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createNamespace,
  Masquerade,
  NetlinkError,
  type NetworkNamespace,
  netlink,
  nftabi,
  nftables,
  nftexpressions,
  nlabi,
  runNetlink,
  SyscallError,
} from "../src/index.ts";

const { recorded } = JSON.parse(readFileSync(new URL("vectors/nft.json", import.meta.url), "utf8")) as {
  recorded: { command: string; requests: string[]; answers: string[] }[];
};
const octets = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const messages = (texts: readonly string[]) => texts.flatMap((text) => netlink.decodeMessages(octets(text)));

/** The messages of the transaction that a command sends. */
function theirs(command: string) {
  const found = recorded.find((one) => one.command === command);
  if (found === undefined) throw new Error(`not recorded: ${command}`);
  const all = messages(found.requests);
  return all.slice(all.findIndex(({ type }) => type === nftabi.NFNL_MSG_BATCH_BEGIN)).slice(0, 3);
}

const ours = { family: "ip", name: "l2tpd" } as const;
const other = { family: "ip6", name: "other" } as const;
const { matchAddress, matchOutputInterface, masquerade, passOver } = nftexpressions;
const rule = (key: nftables.TableKey, ...parts: readonly nftexpressions.Expression[][]) =>
  nftables.addRule(key, "postrouting", parts.flat());

describe("a change is, octet for octet, what nft sends", () => {
  const changes: [string, netlink.NetlinkPart][] = [
    ["nft add table ip l2tpd", nftables.addTable(ours)],
    [
      "nft add table ip6 l2tpd { flags owner ; }",
      nftables.addTable({ ...ours, family: "ip6" }, { owned: true }),
    ],
    [
      "nft add chain ip l2tpd postrouting { type nat hook postrouting priority srcnat ; policy accept ; }",
      nftables.addSourceNatChain(ours, "postrouting"),
    ],
    [
      "nft add chain ip6 other postrouting { type nat hook postrouting priority srcnat ; policy accept ; }",
      nftables.addSourceNatChain(other, "postrouting"),
    ],
    [
      "nft add rule ip l2tpd postrouting ip saddr 10.1.0.0/16 masquerade",
      rule(ours, matchAddress("source", "10.1.0.0/16"), [masquerade]),
    ],
    [
      "nft add rule ip l2tpd postrouting ip saddr 172.16.0.0/12 oifname eth0 masquerade",
      rule(ours, matchAddress("source", "172.16.0.0/12"), matchOutputInterface("eth0"), [masquerade]),
    ],
    [
      "nft add rule ip l2tpd postrouting ip daddr 10.1.0.0/16 return",
      rule(ours, matchAddress("destination", "10.1.0.0/16"), [passOver]),
    ],
    [
      "nft add rule ip6 other postrouting ip6 saddr fd00:1:2::/47 masquerade",
      rule(other, matchAddress("source", "fd00:1:2::/47"), [masquerade]),
    ],
    ["nft flush chain ip l2tpd postrouting", nftables.flushChain(ours, "postrouting")],
    ["nft delete table ip l2tpd", nftables.deleteTable(ours)],
  ];
  test.each(changes)("%s", (command, change) => {
    const [begin, their, end] = theirs(command);
    const { around } = nftables.transaction([change]);
    expect(hex(change.payload)).toBe(hex(their?.payload ?? octets("")));
    expect([change.type, change.flags | nlabi.NLM_F_REQUEST]).toEqual([their?.type, their?.flags]);
    expect(hex(around?.before[0]?.payload ?? octets(""))).toBe(hex(begin?.payload ?? octets("")));
    expect(hex(around?.after[0]?.payload ?? octets(""))).toBe(hex(end?.payload ?? octets("")));
    expect([around?.before[0]?.type, around?.after[0]?.type]).toEqual([begin?.type, end?.type]);
  });
});

test("rules read from nft's requests and from the kernel's dump are what was asked for, and write as they were", () => {
  const { answers } = recorded.find(({ command }) => command === "nft list ruleset") as { answers: string[] };
  const newRule = (nftabi.NFNL_SUBSYS_NFTABLES << 8) | nftabi.NFT_MSG_NEWRULE;
  const dumped = messages(answers).filter(({ type }) => type === newRule);
  const asked = recorded
    .filter(({ command }) => command.startsWith("nft add rule"))
    .flatMap(({ command }) => theirs(command).slice(1, 2));
  expect([dumped.length, asked.length]).toEqual([5, 5]);
  for (const [i, message] of asked.entries()) {
    const read = nftables.expressionsOf(message.payload);
    const key = i === 4 ? other : ours;
    expect(hex(rule(key, [...read]).payload)).toBe(hex(message.payload));
    // The kernel adds attributes of its own to what it was given.
    expect(nftables.expressionsOf(dumped[i]?.payload ?? octets("")).map(({ name }) => name)).toEqual(
      read.map(({ name }) => name),
    );
  }
  expect(nftables.expressionsOf(dumped[3]?.payload ?? octets(""))).toEqual([
    ...matchAddress("destination", "10.1.0.0/16"),
    passOver,
  ]);
});

test("tables read as nft lists them, those of other families left out", () => {
  const { answers } = recorded.find(({ command }) => command === "nft list ruleset") as { answers: string[] };
  expect(nftables.tables().decode(messages(answers))).toEqual([
    { family: "ip", name: "l2tpd", flags: 0 },
    { family: "ip6", name: "other", flags: 0 },
  ]);
});

test("a prefix is matched by no more than its bits, whatever its length", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 32 }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      (length, address) => {
        const text = [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
        const [load, ...rest] = matchAddress("source", `${text}/${length}`);
        if (length === 0) return load === undefined;
        const loaded = load?.name === "payload" ? (load.data.LEN ?? 0) : 0;
        const mask = rest.find(({ name }) => name === "bitwise");
        const bits =
          mask?.name === "bitwise" ? (mask.data.MASK?.VALUE ?? octets("")) : octets("ff".repeat(loaded));
        const binary = Array.from(bits, (octet) => octet.toString(2).padStart(8, "0")).join("");
        const compare = rest.at(-1);
        const value = compare?.name === "cmp" ? (compare.data.DATA?.VALUE ?? octets("")) : octets("");
        return (
          binary === "1".repeat(length).padEnd(loaded * 8, "0") &&
          value.every((octet, i) => octet === ((address >>> (24 - 8 * i)) & (bits[i] ?? 0)))
        );
      },
    ),
  );
});

test("what is no prefix, and no name of an interface, is refused by name", () => {
  expect(() => matchAddress("source", "10.0.0.0/33")).toThrow(
    "prefix length of 10.0.0.0/33: expected 0 to 32",
  );
  expect(() => matchAddress("source", "10.0.0.0/")).toThrow(RangeError);
  expect(() => matchAddress("source", "10.0.0/8")).toThrow(/"10\.0\.0" is not an IP address/);
  expect(() => matchOutputInterface("a-name-of-16-oct")).toThrow(
    /"a-name-of-16-oct" is no name of an interface/,
  );
  expect(() => nftables.transaction([])).toThrow(TypeError);
});

test.each([
  ["netlink", "EINVAL", "NFT_MSG_GETTABLE", /modprobe nf_tables.*CONFIG_NF_TABLES/],
  ["netlink", "EOPNOTSUPP", "nf_tables transaction", /modprobe nf_tables/],
  ["netlink", "ENOENT", "NFT_MSG_NEWCHAIN ip l2tpd postrouting", /modprobe nft_chain_nat/],
  ["netlink", "ENOENT", "NFT_MSG_NEWRULE ip l2tpd postrouting", /modprobe nft_masq/],
  ["socket", "EPROTONOSUPPORT", "netlink protocol 12", /modprobe nfnetlink/],
  ["netlink", "EPERM", "NFT_MSG_GETTABLE", /CAP_NET_ADMIN/],
])("%s %s at %s says what is missing", (syscall, code, what, remedy) => {
  const errno = { EINVAL: 22, EOPNOTSUPP: 95, ENOENT: 2, EPROTONOSUPPORT: 93, EPERM: 1 }[code] ?? 0;
  expect(new SyscallError(syscall, errno, what).message).toMatch(remedy);
});

// ── On this machine's kernel ─────────────────────────────────────────────────────────────────────────────────

/** What nft, which is not ours, says is there. */
const ruleset = (namespace: NetworkNamespace): string =>
  execFileSync("nsenter", [`--net=/proc/${process.pid}/fd/${namespace.fd}`, "nft", "list", "ruleset"], {
    encoding: "utf8",
  });
const nft = (namespace: NetworkNamespace, ...words: string[]) =>
  execFileSync("nsenter", [`--net=/proc/${process.pid}/fd/${namespace.fd}`, "nft", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

const kernel = needs("linux", "root", { tool: "nft" });

kernel("masquerading is what nft lists, changes as a whole, and ends with nothing left", async () => {
  using namespace = createNamespace();
  await using masked = await Masquerade.open({ name: "l2tpd", namespace: namespace.fd });
  expect(ruleset(namespace)).toBe("");
  await masked.set([
    { prefix: "10.1.0.0/16" },
    { prefix: "172.16.0.0/12", outputInterface: "eth0" },
    { prefix: "fd00:1::/32" },
  ]);
  const listed = ruleset(namespace);
  expect(listed).toMatch(/table ip l2tpd \{ # progname .*\n\tflags owner\n/);
  const rules = listed.split("\n").map((line) => line.trim());
  expect(rules.filter((line) => /^ip6? |^type/.test(line))).toEqual([
    "type nat hook postrouting priority srcnat; policy accept;",
    "ip daddr 10.1.0.0/16 return",
    "ip daddr 172.16.0.0/12 return",
    "ip saddr 10.1.0.0/16 masquerade",
    'ip saddr 172.16.0.0/12 oifname "eth0" masquerade',
    "type nat hook postrouting priority srcnat; policy accept;",
    "ip6 daddr fd00:1::/32 return",
    "ip6 saddr fd00:1::/32 masquerade",
  ]);
  // What is to be wherever it goes comes first, and nothing is passed over for its sake.
  await masked.set([
    { prefix: "10.1.0.0/16" },
    { prefix: "0.0.0.0/0", outputInterface: "ppp0", wherever: true },
  ]);
  const ofAll = ruleset(namespace).split("\n");
  expect(ofAll.map((line) => line.trim()).filter((line) => /^(ip6?|oifname) /.test(line))).toEqual([
    'oifname "ppp0" masquerade',
    "ip daddr 10.1.0.0/16 return",
    "ip saddr 10.1.0.0/16 masquerade",
  ]);
  await masked.set([
    { prefix: "10.1.0.0/16" },
    { prefix: "172.16.0.0/12", outputInterface: "eth0" },
    { prefix: "fd00:1::/32" },
  ]);
  expect(ruleset(namespace)).toBe(listed);
  // What is wrong changes nothing.
  await expect(masked.set([{ prefix: "10.9.0.0/16" }, { prefix: "10.0.0.0/99" }])).rejects.toThrow(
    RangeError,
  );
  expect(ruleset(namespace)).toBe(listed);
  await masked.set([{ prefix: "10.2.0.0/16" }]);
  expect(ruleset(namespace)).not.toMatch(/10\.1\.|172\.16|ip6/);
  expect(ruleset(namespace)).toMatch(/ip saddr 10\.2\.0\.0\/16 masquerade/);
  await masked.set([]);
  expect(ruleset(namespace)).toBe("");
  await masked.set([{ prefix: "10.3.0.0/16" }]);
  await masked.close();
  await masked.close();
  expect(ruleset(namespace)).toBe("");
  await expect(masked.set([])).rejects.toMatchObject({ code: "ERR_CLOSED" });
});

kernel("tables of others stay as they are, also one of our name", async () => {
  using namespace = createNamespace();
  nft(namespace, "add table ip l2tpd; add chain ip l2tpd theirs; add rule ip l2tpd theirs accept");
  nft(namespace, "add table ip filter");
  const before = ruleset(namespace);
  await using first = await Masquerade.open({ name: "l2tpd", namespace: namespace.fd });
  await first.set([{ prefix: "10.1.0.0/16" }]);
  expect(first.tables[0]?.name).toMatch(/^l2tpd-\d+-/);
  expect(ruleset(namespace)).toContain(before.trim().split("\n").slice(1, -1).join("\n"));
  await first.close();
  expect(ruleset(namespace)).toBe(before);

  // A second one of us in the namespace has a table of its own, too.
  nft(namespace, "delete table ip l2tpd");
  await using one = await Masquerade.open({ name: "l2tpd", namespace: namespace.fd });
  await using two = await Masquerade.open({ name: "l2tpd", namespace: namespace.fd });
  await one.set([{ prefix: "10.1.0.0/16" }]);
  await two.set([{ prefix: "10.2.0.0/16" }]);
  expect([one.tables[0]?.name, two.tables[0]?.name]).toEqual(["l2tpd", expect.stringMatching(/^l2tpd-/)]);
  await one.close();
  expect(ruleset(namespace)).toMatch(/10\.2\.0\.0/);
  expect(ruleset(namespace)).not.toMatch(/10\.1\.0\.0/);
});

kernel("what somebody flushed is there again with the next change", async () => {
  using namespace = createNamespace();
  await using masked = await Masquerade.open({ name: "l2tpd", namespace: namespace.fd, owned: false });
  await masked.set([{ prefix: "10.1.0.0/16" }]);
  nft(namespace, "flush", "ruleset");
  await masked.set([{ prefix: "10.2.0.0/16" }]);
  expect(ruleset(namespace)).toMatch(/ip saddr 10\.2\.0\.0\/16 masquerade/);
  nft(namespace, "flush", "ruleset");
  await masked.close();
});

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
let folder = "";
beforeAll(async () => {
  const modules = join(packageFolder, "node_modules");
  mkdirSync(modules, { recursive: true });
  folder = mkdtempSync(join(modules, ".nftables-test-"));
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  await build({
    entryPoints: {
      masquerade: fileURLToPath(new URL("fixtures/masquerade.ts", import.meta.url)),
      "reactor-thread": join(packageFolder, "src/reactor-thread.ts"),
    },
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    conditions: ["@l2tp/source"],
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a process that masquerades, and kills it. @returns what nft listed while it lived */
async function killed(namespace: NetworkNamespace, owned: boolean): Promise<string> {
  const child = fork(join(folder, "masquerade.js"), [String(owned)], {
    stdio: ["ignore", "inherit", "inherit", namespace.fd, "ipc"],
  });
  const ended = once(child, "close");
  try {
    await Promise.race([once(child, "message"), ended.then(() => Promise.reject(new Error("it ended")))]);
    return ruleset(namespace);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

kernel(
  "a table goes with the process that is killed; where the kernel cannot do that, the next one takes it away",
  async () => {
    using namespace = createNamespace();
    expect(await killed(namespace, true)).toMatch(/table ip l2tpd \{.*\n\tflags owner/);
    expect(ruleset(namespace)).toBe("");

    expect(await killed(namespace, false)).toMatch(/table ip l2tpd-\d+-\w+-\w+ \{/);
    // Another's that looks alike, a living one's, and one of a machine (or container) that is not ours.
    await using living = await Masquerade.open({ name: "other", namespace: namespace.fd, owned: false });
    await living.set([{ prefix: "10.7.0.0/16" }]);
    nft(namespace, "add table ip l2tpd-of-mine; add table ip l2tpd-1-a-1");
    expect(ruleset(namespace)).toMatch(/10\.8\.0\.0/);
    await using next = await Masquerade.open({ name: "l2tpd", namespace: namespace.fd });
    await using _third = await Masquerade.open({ name: "other", namespace: namespace.fd });
    expect(ruleset(namespace).match(/^table .*(?= \{)/gm)).toEqual([
      `table ip ${living.tables[0]?.name}`,
      "table ip l2tpd-of-mine",
      "table ip l2tpd-1-a-1",
    ]);
    await next.set([{ prefix: "10.8.0.0/16" }]);
    expect(ruleset(namespace).match(/saddr 10\.8/g)).toHaveLength(1);
  },
);

kernel("a refused part of a transaction is named, and nothing of it was done", () => {
  using namespace = createNamespace();
  const run = (...parts: netlink.NetlinkPart[]) =>
    runNetlink(nftabi.NETLINK_NETFILTER, nftables.transaction(parts), { namespace: namespace.fd });
  const wrong = () => run(nftables.addTable(ours), nftables.flushChain(ours, "no"), nftables.addTable(other));
  expect(wrong).toThrow(NetlinkError);
  expect(wrong).toThrow(/^NFT_MSG_DELRULE ip l2tpd no: ENOENT \(2\).*attribute CHAIN/);
  expect(ruleset(namespace)).toBe("");
});
