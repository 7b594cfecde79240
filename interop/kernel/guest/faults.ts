/**
 * What goes wrong under a context on the kernel's data plane: each ends in an event that says why, and in a recovery.
 * Two tunnels, over UDP and over IP, suffer the same at the same time.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type Site, until } from "@l2tp/lab";
import type { ContextEvent } from "@l2tp/node";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { type Combination, combinations, identityOf, OUTER, PORT } from "../combinations.ts";
import { Recorded } from "./contexts.ts";
import { ipBatch, iproute2Lines } from "./iproute2.ts";
import { CABLE, KernelSites } from "./sites.ts";

/** Deletions in the flood: more notifications than the socket's buffer of 1 MiB takes. */
const FLOOD = 5_000;

/** The protocol's number, column `Eth` of /proc/net/netlink. */
const NETLINK_GENERIC = 16;

/**
 * Managed tunnels, one of each encapsulation; one over IPv6. Without sequence numbers: they begin again at 0 with a session
 * that is made anew, and a kernel drops what is behind until it has caught up with all that went before.
 */
const two = combinations()
  .filter(({ number }) => number === 6 || number === 24)
  .map((combination) => ({ ...combination, sequence: false }));
const tunnelOf = ({ encapsulation }: Combination): string => `over-${encapsulation}`;
const NAMES = two.map(tunnelOf);

/** Makes a combination's tunnel with its session in a context of site A. */
function openTunnel({ context }: Recorded, sites: KernelSites, combination: Combination): void {
  const { encapsulation, family, sublayer, sequence } = combination;
  const ours = identityOf(combination, "a");
  const theirs = identityOf(combination, "b");
  const tunnel = context.newStaticTunnel({
    name: tunnelOf(combination),
    encapsulation,
    local: { family, address: OUTER[family].a, port: ours.port },
    peer: { family, address: OUTER[family].b, port: theirs.port },
    tunnelId: ours.tunnelId,
    peerTunnelId: theirs.tunnelId,
    namespace: sites.a.path,
  });
  tunnel.newSession({
    name: "s",
    sessionId: ours.sessionId,
    peerSessionId: theirs.sessionId,
    cookie: ours.cookie,
    peerCookie: theirs.cookie,
    l2SpecificSublayer: sublayer ? "default" : "none",
    sendSequence: sequence,
    receiveSequence: sequence,
    interface: { name: ours.interfaceName, addresses: [{ address: ours.address, prefixLength: 24 }] },
  });
}

/** Whether a ping passes, within a while: the other end may have to learn a new MAC address. */
async function reaches(sites: KernelSites, to: string, patienceS = 20): Promise<boolean> {
  for (let tries = 0; tries < patienceS; tries++) {
    const { code } = await sites.a.execute("ping", "-n", "-c", "1", "-W", "1", to);
    if (code === 0) return true;
  }
  return false;
}

async function allReach(sites: KernelSites): Promise<void> {
  for (const combination of two) {
    const { address } = identityOf(combination, "b");
    expect([address, await reaches(sites, address)]).toEqual([address, true]);
  }
}

/** What sockets of generic netlink in a site have lost for want of room: column `Drops` of /proc/net/netlink. */
function lostNotifications(site: Site): number {
  const [heading = [], ...rows] = site.namespace
    .run(() => readFileSync("/proc/thread-self/net/netlink", "utf8"))
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const column = (name: string, row: readonly string[]) => Number(row[heading.indexOf(name)]);
  const generic = rows.filter((row) => column("Eth", row) === NETLINK_GENERIC);
  return generic.reduce((sum, row) => sum + column("Drops", row), 0);
}

function underAContext({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  describe("static tunnels of a context", () => {
    let sites: KernelSites;
    let ours: Recorded;

    beforeAll(async () => {
      sites = new KernelSites();
      await ipBatch(sites.b, two.flatMap(iproute2Lines));
      ours = await Recorded.open();
      for (const combination of two) openTunnel(ours, sites, combination);
      for (const name of NAMES) await ours.event("session-up", name, 0);
    });
    afterAll(async () => {
      await ours?.[Symbol.asyncDispose]();
      sites?.[Symbol.dispose]();
    });

    /** Both tunnels suffer; each tells `down` for one of these reasons, comes up again and carries traffic. */
    async function suffer(
      what: (combination: Combination) => string,
      down: "session-down" | "tunnel-down",
      reasons: RegExp,
    ): Promise<void> {
      const since = ours.events.length;
      await ipBatch(sites.a, two.map(what));
      for (const name of NAMES) {
        const event = await ours.event(down, name, since);
        expect(event.reason.text).toMatch(reasons);
        const at = ours.events.indexOf(event as ContextEvent);
        await ours.event("session-up", name, at);
      }
      await allReach(sites);
    }

    test("carry traffic", () => allReach(sites));

    test("an interface cannot be deleted, as the kernel refuses; one that is taken down carries traffic when it is up again", async () => {
      const since = ours.events.length;
      const [{ interfaceName = "" } = {}] = two.map((combination) => identityOf(combination, "a"));
      const deleted = await sites.a.execute("ip", "link", "del", interfaceName);
      expect(deleted.output).toMatch(/not supported/);
      await ipBatch(sites.a, [`link set ${interfaceName} down`, `link set ${interfaceName} up`]);
      await allReach(sites);
      expect(ours.events.slice(since)).toEqual([]);
    });

    test("a session that another program deletes is down, and up again", () =>
      suffer(
        (combination) => {
          const { tunnelId, sessionId } = identityOf(combination, "a");
          return `l2tp del session tunnel_id ${tunnelId} session_id ${sessionId}`;
        },
        "session-down",
        // Whichever is noticed first: what the kernel tells of, or that its tables lack it.
        /interface was deleted|another program deleted|kernel has it no more/,
      ));

    test("a tunnel that another program deletes is down with its session, and both are up again", () =>
      suffer(
        (combination) => `l2tp del tunnel tunnel_id ${identityOf(combination, "a").tunnelId}`,
        "tunnel-down",
        /another program deleted|kernel has it no more/,
      ));

    test("a local address that is taken away and given back: traffic flows again", async () => {
      const addresses = [`${OUTER[4].a}/24`, `${OUTER[6].a}/64`];
      await ipBatch(
        sites.a,
        addresses.map((address) => `addr del ${address} dev ${CABLE}`),
      );
      for (const combination of two) {
        expect(await reaches(sites, identityOf(combination, "b").address, 2)).toBe(false);
      }
      await ipBatch(
        sites.a,
        addresses.map(
          (address) => `addr add ${address} dev ${CABLE}${address.includes(":") ? " nodad" : ""}`,
        ),
      );
      await allReach(sites);
    });

    test("a session that is deleted while notifications are lost is found all the same", async () => {
      const since = ours.events.length;
      const lines: string[] = [];
      // In another namespace: the kernel tells all of them.
      for (let i = 1; i <= FLOOD; i++) {
        const ids = `tunnel_id ${i} peer_tunnel_id ${i}`;
        lines.push(
          `l2tp add tunnel ${ids} encap udp local ${OUTER[4].b} remote ${OUTER[4].a} udp_sport ${i + 30_000} udp_dport 9`,
          `l2tp del tunnel tunnel_id ${i}`,
        );
      }
      writeFileSync("/tmp/flood", `${lines.join("\n")}\n`);
      const doomed = two.map((combination) => {
        const { tunnelId, sessionId } = identityOf(combination, "a");
        return `l2tp del session tunnel_id ${tunnelId} session_id ${sessionId}`;
      });
      writeFileSync("/tmp/doomed", `${doomed.join("\n")}\n`);
      // Our event loop stands still all the time.
      expect(sites.b.namespace.run(() => spawnSync("ip", ["-batch", "/tmp/flood"])).status).toBe(0);
      expect(sites.a.namespace.run(() => spawnSync("ip", ["-batch", "/tmp/doomed"])).status).toBe(0);
      expect(lostNotifications(sites.a)).toBeGreaterThan(0);
      for (const name of NAMES) {
        await ours.event("session-down", name, since);
        await ours.event("session-up", name, since);
      }
      await allReach(sites);
    });

    test("closing leaves nothing behind", async () => {
      await ours[Symbol.asyncDispose]();
      expect(sites.a.interfaces()).toEqual(["lo", CABLE]);
      expect((await sites.a.execute("ip", "l2tp", "show", "tunnel")).output).toBe("");
    });
  });
}

function quiescent({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  describe("quiescent tunnels between two contexts", () => {
    let sites: KernelSites;
    const ends: Recorded[] = [];
    const transport = { helloTimeoutMs: 500, retryTimeoutMs: 200, maxRetries: 3 };

    beforeAll(async () => {
      sites = new KernelSites();
      for (const side of ["a", "b"] as const) {
        const end = await Recorded.open();
        ends.push(end);
        for (const combination of two) {
          const { encapsulation, family } = combination;
          const own = identityOf(combination, side);
          const other = side === "a" ? "b" : "a";
          const peer = identityOf(combination, other);
          const port = encapsulation === "udp" ? PORT : 0;
          const tunnel = end.context.newQuiescentTunnel({
            name: tunnelOf(combination),
            encapsulation,
            local: { family, address: OUTER[family][side], port },
            peer: { family, address: OUTER[family][other], port },
            tunnelId: own.tunnelId,
            peerTunnelId: peer.tunnelId,
            namespace: sites[side].path,
            transport,
          });
          tunnel.newSession({
            name: "s",
            sessionId: own.sessionId,
            peerSessionId: peer.sessionId,
            cookie: own.cookie,
            peerCookie: peer.cookie,
            interface: { name: own.interfaceName, addresses: [{ address: own.address, prefixLength: 24 }] },
          });
        }
      }
    });
    afterAll(async () => {
      for (const end of ends) await end[Symbol.asyncDispose]();
      sites?.[Symbol.dispose]();
    });

    test("are up when the peer answers, and carry traffic", async () => {
      for (const end of ends) for (const name of NAMES) await end.event("session-up", name, 0);
      await allReach(sites);
    });

    test("a peer that is gone takes them down, with the reason; when it is back they are up and carry traffic", async () => {
      const since = ends.map(({ events }) => events.length);
      await ipBatch(sites.b, [`link set ${CABLE} down`]);
      for (const [i, end] of ends.entries()) {
        for (const name of NAMES) {
          const { reason } = await end.event("tunnel-down", name, since[i] ?? 0);
          expect(reason.code).toBe("peer-gone");
          expect(reason.text).toMatch(/Hello/);
        }
      }
      await until(() => sites.a.interfaces().length === 2, "the interfaces are gone with the sessions");
      const back = ends.map(({ events }) => events.length);
      // Its IPv6 address went with the link.
      await ipBatch(sites.b, [`link set ${CABLE} up`, `addr replace ${OUTER[6].b}/64 dev ${CABLE} nodad`]);
      for (const [i, end] of ends.entries()) {
        for (const name of NAMES) await end.event("session-up", name, back[i] ?? 0);
      }
      await allReach(sites);
    });

    test("a local address that is taken away takes them down; when it is back they are up and carry traffic", async () => {
      const [a] = ends;
      if (a === undefined) throw new Error("no end");
      const since = a.events.length;
      const addresses = [`${OUTER[4].a}/24`, `${OUTER[6].a}/64`];
      await ipBatch(
        sites.a,
        addresses.map((address) => `addr del ${address} dev ${CABLE}`),
      );
      for (const name of NAMES) await a.event("tunnel-down", name, since);
      const back = a.events.length;
      await ipBatch(
        sites.a,
        addresses.map(
          (address) => `addr add ${address} dev ${CABLE}${address.includes(":") ? " nodad" : ""}`,
        ),
      );
      for (const name of NAMES) await a.event("session-up", name, back);
      await allReach(sites);
    });
  });
}

export default function suite(api: SuiteApi): void {
  underAContext(api);
  quiescent(api);
}
