/** Real traffic through real interfaces: TCP at every step of offloads and between different ones, and ping. */
import { readFileSync, writeFileSync } from "node:fs";
import type { UserspaceOptions } from "@l2tp/dataplane-userspace";
import { CABLE, Lab } from "@l2tp/lab";
import { address } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { describe, expect, vi } from "vitest";
import { INNER, Pair, type PairEnd, type PairOptions, transfer } from "./support/pair.ts";

const OCTETS = 24_000_000;

/** Runs TCP both ways and compares every octet and the counters of both ends. */
async function carries(options: PairOptions, inner = INNER): Promise<void> {
  using lab = new Lab();
  await using pair = await Pair.open(lab, options);
  const { a, b } = pair;
  if (inner !== INNER) for (const end of [a, b]) await giveIpv6(end, end === a ? inner.a : inner.b);
  const there = await transfer(lab.a, lab.b, inner.b, OCTETS);
  const back = await transfer(lab.b, lab.a, inner.a, OCTETS);
  expect(there).toMatchObject({ received: OCTETS, intact: true });
  expect(back).toMatchObject({ received: OCTETS, intact: true });
  // TCP's last words may still be on their way.
  await vi.waitFor(() => expectSameCounts(pair), 50_000);
}

/** What the cable's other end had no room for: the queue of a processor that is busy with other work. */
function cableDrops({ host }: PairEnd): number {
  const lines = host.run(() => readFileSync("/proc/thread-self/net/dev", "utf8"));
  const counters = new RegExp(`^\\s*${CABLE}:\\s*(.*)$`, "m").exec(lines)?.[1]?.split(/\s+/);
  // Behind eight of what was received: octets, packets, errors, dropped.
  const dropped = Number(counters?.[11]);
  expect(dropped).not.toBeNaN();
  return dropped;
}

/** What one end sent is what the other received. */
async function expectSameCounts({ a, b }: Pair): Promise<void> {
  const [atA, atB] = [await a.session.statistics(), await b.session.statistics()];
  expect(atA.txBytes).toBeGreaterThan(OCTETS);
  // Nothing is lost but in a full buffer, ours or, on a busy machine, the cable's, which are counted.
  if ((await a.wire.counters()).overruns + cableDrops(b) === 0) {
    expect([atA.rxPackets, atA.rxBytes]).toEqual([atB.txPackets, atB.txBytes]);
  }
  if ((await b.wire.counters()).overruns + cableDrops(a) === 0) {
    expect([atB.rxPackets, atB.rxBytes]).toEqual([atA.txPackets, atA.txBytes]);
  }
  expect([atA.txErrors, atA.rxErrors, atB.txErrors, atB.rxErrors]).toEqual([0, 0, 0, 0]);
}

/** The lab's new interfaces have IPv6 off: on again, with an address that can be used at once. */
async function giveIpv6({ host, session }: PairEnd, own: string): Promise<void> {
  const name = session.interfaceName as string;
  host.run(() => writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, "0"));
  host.netlink(
    address.add({ index: host.index(name), address: own, prefixLength: 64, noDuplicateDetection: true }),
  );
}

const step = (offload: NonNullable<UserspaceOptions["offload"]>): UserspaceOptions => ({ offload });
const test = needs("linux", "root", "tun");

describe("TCP through the tunnel arrives unchanged", () => {
  for (const [a, b] of [
    ["full", "full"],
    ["full", "batch"],
    ["batch", "full"],
    ["gso", "full"],
    ["full", "gso"],
    ["gso", "gso"],
    ["batch", "batch"],
  ] as const) {
    test(`between offload ${a} and ${b}`, () => carries({ a: step(a), b: step(b) }));
  }

  test("over UDP and IPv6, with cookies and sequence numbers", () =>
    carries({
      family: 6,
      session: {
        cookie: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        peerCookie: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        l2SpecificSublayer: "default",
        sendSequence: true,
        receiveSequence: true,
      },
    }));

  test("over IP protocol 115, IPv4 and IPv6", async () => {
    await carries({ encapsulation: "ip" });
    await carries({ encapsulation: "ip", family: 6, b: step("batch") });
  });

  test("with reordering on", () =>
    carries({ session: { l2SpecificSublayer: "default", sendSequence: true, reorderMs: 50 } }));

  test("with the checksum in JavaScript, and in WebAssembly without SIMD", () =>
    carries({ a: { checksum: "JavaScript" }, b: { checksum: "WebAssembly" } }));

  test("with clamped MSS and an inner MTU of jumbo size in fragments", async () => {
    await carries({ session: { mtu: { dontFragment: "path", clampMss: true } } });
    await carries({ session: { mtu: { mtuOctets: 8_000, dontFragment: "clear" } } });
  });

  test("as inner IPv6", () => carries({ inner: false }, { a: "fd98::1", b: "fd98::2" }));
});

needs("linux", "root", "tun", { tool: "ping" })(
  "ping passes in every size, and says when one is too large",
  async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab);
    expect(pair.a.session.mtuOctets).toBe(1_450);
    for (const size of [0, 1, 56, 1_000, 1_450 - 28]) {
      const { code, output } = await lab.a.execute(
        "ping",
        "-c",
        "2",
        "-i",
        "0.05",
        "-M",
        "do",
        "-s",
        String(size),
        INNER.b,
      );
      expect(code, output).toBe(0);
    }
    const large = await lab.a.execute("ping", "-c", "1", "-M", "do", "-s", String(1_450 - 27), INNER.b);
    expect(large.output).toContain("mtu=1450");
    // Inner fragments pass, too.
    const fragments = await lab.a.execute(
      "ping",
      "-c",
      "2",
      "-i",
      "0.05",
      "-M",
      "dont",
      "-s",
      "5000",
      INNER.b,
    );
    expect(fragments.code, fragments.output).toBe(0);
  },
);
