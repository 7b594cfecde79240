/** A daemon of ours dials an LNS on raw octets, which lies about addresses: each lie is refused by name, or has no effect. */
import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { Daemon } from "../support/daemon.ts";
import { TwoSites } from "../support/pseudowire.ts";
import { icmpv6 } from "./raw/packets.ts";
import { RawLns } from "./raw/raw-lns.ts";
import { type Frame, hex, IPCP, IPV6CP, type RawSubscriber } from "./raw/raw-ppp.ts";

const test = needs("linux", "root", "tun");
const [LAC, LNS] = ["192.0.2.1", "192.0.2.2"];
const SESSIONS = ["multicast", "none", "rejected", "another", "prefixes"] as const;
const DOCUMENT = `
[tunnel.t]
version = "l2tpv2"
local = "${LAC}:1701"
peer = "${LNS}:1701"
redial_timeout = 60000
redial_timeout_max = 60000
${SESSIONS.map(
  (name) =>
    `[tunnel.t.session.${name}]\ncalled_number = "${name}"\nppp_profile = "${name === "prefixes" ? "both" : "ipv4"}"`,
).join("\n")}
[profile.ppp.both]
restart_timeout = 1000
max_configure = 40                # who is asked last waits until then
phase_timeout = 120000
[profile.ppp.ipv4]
inherits = "both"
ipv6 = false
`;

describe("an LNS that lies", () => {
  const sites = new TwoSites();
  let lns: RawLns;
  let lac: Daemon;
  const calls = new Map<string, RawSubscriber>();
  beforeAll(async () => {
    lns = new RawLns(sites.b, LAC);
    lac = new Daemon(sites.a, DOCUMENT);
    await lac.says(/^tunnel t to raw .* is up/);
    await Promise.all(SESSIONS.map(begin));
  });
  afterAll(async () => {
    await lns[Symbol.asyncDispose]();
    await lac[Symbol.asyncDispose]();
    sites[Symbol.dispose]();
  });

  /** Takes the call, and does LCP; network protocols are the test's. */
  async function begin(name: string) {
    const session = await lns.call(name);
    calls.set(name, session);
    session.agreeable.delete(IPCP);
    session.agreeable.delete(IPV6CP);
    await session.lcp();
  }
  const call = (name: (typeof SESSIONS)[number]) => calls.get(name) as RawSubscriber;

  /** The address that a request of IPCP asks for. */
  function asked({ data }: Pick<Frame, "data">): string | undefined {
    const at = data.indexOf(hex("0306"));
    return at < 0 ? undefined : [...data.subarray(at + 2, at + 6)].join(".");
  }

  /** Offers an address until it is asked for, and grants that. */
  async function offer(session: RawSubscriber, address: string): Promise<void> {
    const option = Buffer.of(3, 6, ...address.split(".").map(Number));
    for (;;) {
      const request = await session.next(({ protocol, code }) => protocol === IPCP && code === 1, "IPCP");
      const isIt = asked(request) === address;
      session.packet(IPCP, isIt ? 2 : 3, request.id, isIt ? request.data : option);
      if (isIt) return;
    }
  }

  const refused = (name: string) =>
    lac.says(new RegExp(`session ${name} cannot come up: PPP ended: no agreement on the addresses`));

  test("offers a group's address on and on: it is not taken, and the log says that there is no agreement", async () => {
    const session = call("multicast");
    void offer(session, "224.0.0.5").catch(() => {});
    await refused("multicast");
    expect((await session.cdn()).text).toMatch(/address/);
  });

  test("grants 0.0.0.0, as it was asked: that is none", async () => {
    const session = call("none");
    await offer(session, "0.0.0.0");
    expect((await session.ask(IPCP, "0306 0a000001")).code).toBe(2);
    await refused("none");
  });

  test("rejects the question for one: there is none", async () => {
    const session = call("rejected");
    const isRequest = ({ protocol, code }: Frame) => protocol === IPCP && code === 1;
    const first = await session.next(isRequest, "IPCP");
    session.packet(IPCP, 4, first.id, "0306 00000000");
    const second = await session.next((frame) => isRequest(frame) && asked(frame) === undefined, "without");
    session.packet(IPCP, 2, second.id, second.data);
    await session.ask(IPCP, "0306 0a000001");
    await refused("rejected");
  });

  test("claims its own for itself, and another one later: the interface has what was agreed last", async () => {
    const session = call("another");
    expect((await session.ask(IPCP, "0306 00000000")).code).toBe(4);
    expect((await session.ask(IPCP, "0306 7f000001")).code).toBe(4);
    expect((await session.ask(IPCP, "0306 0a000001")).code).toBe(2);
    await offer(session, "10.0.0.10");
    await lac.says(/session another: .* has 10\.0\.0\.10 \(peer 10\.0\.0\.1\)/);
    // Ours, once it is agreed, is nobody else's.
    expect((await session.ask(IPCP, "0306 0a00000a")).code).toBe(4);
    expect((await session.ask(IPCP, "0306 0a000001")).code).toBe(2);
    await offer(session, "10.0.0.20");
    await lac.says(/session another: .* has 10\.0\.0\.20 \(peer 10\.0\.0\.1\)/);
    expect(session.ended()).toBeUndefined();
  });

  test("advertises prefixes that no host can have: the session stays, with an address of the one that is good", async () => {
    const session = call("prefixes");
    session.agreeable.add(IPV6CP);
    expect((await session.ask(IPV6CP, "010a 0000000000000007")).code).toBe(2);
    const prefixes = ["ff02", "00", "fe80", "000000000000000000000000000000ff", "20010db800000007"];
    const options = prefixes.map(
      (prefix) => `0304 4040 00000e10 00000e10 00000000 ${prefix.padEnd(32, "0")}`,
    );
    const router = "fe80:0000:0000:0000:0000:0000:0000:0007";
    const all = "ff02:0000:0000:0000:0000:0000:0000:0001";
    const told = () => {
      session.say(icmpv6(router, all, `86000000 40000708 00000000 00000000 ${options.join("")}`));
      return lac.said(/session prefixes: .* 2001:db8:0:7:/).length > 0;
    };
    await until(told, "it has an address");
    expect(session.ended()).toBeUndefined();
  });
});
