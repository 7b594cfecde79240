/** A data plane that breaks a promise fails the test of that promise: each row breaks one. */
import type { SessionPlaneParameters } from "@l2tp/dataplane";
import { dataPlaneSuite } from "@l2tp/dataplane/conformance";
import { type MockDataPlane, MockNetwork, type MockTunnel, type MockWire } from "@l2tp/dataplane-mock";
import { expect, test } from "vitest";
import { mockFixture } from "./fixture.ts";

/** What is wrong with the data plane. */
interface Sabotage {
  readonly network?: MockNetwork;
  /** What its sessions are really made with. */
  readonly session?: (wish: SessionPlaneParameters) => SessionPlaneParameters;
  readonly wire?: (wire: MockWire) => void;
  readonly tunnel?: (tunnel: MockTunnel) => void;
}

function sabotaged(plane: MockDataPlane, { session, wire: onWire, tunnel: onTunnel }: Sabotage): void {
  const open = plane.open.bind(plane);
  plane.open = async (...args) => {
    const wire = await open(...args);
    const createTunnel = wire.createTunnel.bind(wire);
    wire.createTunnel = async (parameters) => {
      const tunnel = await createTunnel(parameters);
      const createSession = tunnel.createSession.bind(tunnel);
      if (session !== undefined) tunnel.createSession = (wish) => createSession(session(wish));
      onTunnel?.(tunnel);
      return tunnel;
    };
    onWire?.(wire);
    return wire;
  };
}

/** Runs one test of the kit by itself. */
async function run(name: string, sabotage: Sabotage): Promise<void> {
  let found: (() => Promise<void>) | undefined;
  let before = async (): Promise<void> => {};
  let after = async (): Promise<void> => {};
  dataPlaneSuite(
    {
      describe: (_, body) => body(),
      beforeAll: (body) => {
        before = body;
      },
      afterAll: (body) => {
        after = body;
      },
      test: (label, body) => {
        if (label === name) {
          found = () =>
            body({
              skip: (reason) => {
                throw new Error(`skipped: ${reason}`);
              },
            });
        }
      },
    },
    {
      name: "sabotaged",
      over: [{ encapsulation: "udp", family: 4 }],
      ports: ["eth", "ppp"],
      patienceMs: 300,
      make: async () => {
        const fixture = await mockFixture(sabotage.network);
        for (const { plane } of [fixture.a, fixture.b]) sabotaged(plane as MockDataPlane, sabotage);
        return fixture;
      },
    },
  );
  if (found === undefined) throw new Error(`the kit has no test "${name}"`);
  await before();
  try {
    await found();
  } finally {
    await after();
  }
}

const network = (impairment: ConstructorParameters<typeof MockNetwork>[0]) => ({
  network: new MockNetwork(impairment),
});
const sessions = (change: Partial<SessionPlaneParameters>): Sabotage => ({
  session: (wish) => ({ ...wish, ...change }),
});
const none = new Uint8Array();

test.each<[string, string, Sabotage]>([
  [
    "doubles control messages",
    "control messages on one way arrive once, in the order in which they were sent",
    network({ impairment: { duplicate: 1 } }),
  ],
  [
    "puts control messages out of order",
    "control messages on one way arrive once, in the order in which they were sent",
    network({ impairment: { reorder: 0.3 } }),
  ],
  [
    "loses control messages",
    "control messages pass both ways, with who sent them and to which address",
    network({ impairment: { loss: 1 } }),
  ],
  [
    "doubles data",
    "after known traffic both ends count the same packets and bytes",
    network({ impairment: { duplicate: 1 } }),
  ],
  [
    "lets go of large packets",
    "frames of every size up to the MTU cross unchanged",
    { session: (wish) => ({ ...wish, mtu: { mtuOctets: 1_600, dontFragment: "set" } }) },
  ],
  [
    "checks no cookie",
    "a wrong cookie is dropped and counted, and the right one passes",
    sessions({ cookie: none }),
  ],
  [
    "sends no cookie",
    "a data message on the wire has the octets that RFC 3931 gives it",
    sessions({ peerCookie: none }),
  ],
  [
    "sends no numbers",
    "numbers that are sent count up from 0, and stop and go on when changed",
    sessions({ sendSequence: false }),
  ],
  [
    "requires no numbers",
    "frames without a number are dropped and counted where numbers are required",
    sessions({ receiveSequence: false }),
  ],
  [
    "does not follow the LNS",
    "L2TPv2: a LAC follows the LNS's choice of sequence numbers",
    sessions({ role: "lns" }),
  ],
  [
    "follows whoever it is",
    "L2TPv2: an LNS follows nobody, nor does a LAC whose call requires sequence numbers",
    sessions({ role: "lac" }),
  ],
  [
    "follows though numbers are required",
    "L2TPv2: an LNS follows nobody, nor does a LAC whose call requires sequence numbers",
    { session: (wish) => (wish.role === "lac" ? { ...wish, receiveSequence: false } : wish) },
  ],
  [
    "does not put in order",
    "with reordering, frames are put in order and counted",
    sessions({ reorderMs: 0 }),
  ],
  [
    "waits too long for the missing",
    "with reordering, a frame that never comes does not hold up the others for longer than was said",
    sessions({ reorderMs: 60_000 }),
  ],
  [
    "leaves the sublayer out",
    "messages too short for their cookie, sublayer or frame are dropped, and the next one passes",
    sessions({ l2SpecificSublayer: "none", receiveSequence: false }),
  ],
  [
    "takes a name of its own",
    "the interface has the name that was asked for, and a name is given once",
    sessions({ interface: {} }),
  ],
  [
    "answers from an address of its own choice",
    "a wire on all addresses answers from the address that it was called at",
    {
      wire: (wire) => {
        const send = wire.send.bind(wire);
        wire.send = ({ from: _, ...message }) => send(message);
      },
    },
  ],
  [
    "throws when it cannot send",
    "send never throws, whatever it is given, and goes on working",
    {
      wire: (wire) => {
        const send = wire.send.bind(wire);
        wire.send = (message) => {
          if (message.to.port <= 0) throw new Error("EINVAL");
          send(message);
        };
      },
    },
  ],
  [
    "counts nothing",
    "data for a session that is not there is counted and told of, and never answered",
    {
      wire: (wire) => {
        wire.counters = async () => ({
          strayData: 0,
          malformed: 0,
          controlReceived: 0,
          controlSent: 0,
          overruns: 0,
        });
      },
    },
  ],
  [
    "forgets rows of statistics",
    "the statistics of many sessions come in one go, one row each",
    {
      wire: (wire) => {
        wire.statistics = async () => {};
      },
    },
  ],
  [
    "hands out numbers in order",
    "reserved tunnel IDs are different, in range, and not guessable from one another",
    {
      wire: (wire) => {
        let tunnelId = 100;
        wire.reserveTunnelId = async () => {
          tunnelId += 1;
          return { tunnelId, [Symbol.asyncDispose]: async () => {} };
        };
      },
    },
  ],
  [
    "ignores the change of a peer",
    "data follows when the peer's address is changed",
    {
      tunnel: (tunnel) => {
        tunnel.update = async () => {};
      },
    },
  ],
  [
    "cannot close",
    "everything may be closed at once",
    {
      tunnel: (tunnel) => {
        tunnel[Symbol.asyncDispose] = () => Promise.reject(new Error("busy"));
      },
    },
  ],
])("a data plane that %s fails “%s”", async (_, name, sabotage) => {
  await expect(run(name, {})).resolves.toBeUndefined();
  await expect(run(name, sabotage)).rejects.toThrow();
});
