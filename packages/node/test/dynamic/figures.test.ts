/** What is counted of calls and tunnels, and what is kept of those that have ended. */
import { expect, test } from "vitest";
import {
  type ContextEvent,
  type DynamicTunnel,
  type EventOf,
  type Profiles,
  pppProfile,
} from "../../src/index.ts";
import { LAC, LNS, openHouse, Pair } from "./pair.ts";

const attach = { to: "program" } as const;
const users = pppProfile({
  name: "users",
  attach,
  options: { authenticatePeer: { methods: ["chap-md5"] }, ipv4: { local: "10.0.0.1" }, ipv6: false },
});
const profiles: Profiles = { tunnel: () => ({}), session: () => ({}), ppp: () => users };
const client = {
  by: "own",
  profile: pppProfile({
    attach,
    options: { authenticateSelf: { name: "alice", password: "test" }, ipv6: false },
  }),
} as const;
const authority = openHouse({
  call: ({ calledNumber }) =>
    calledNumber === "911"
      ? { accept: false, reason: "no", result: 2, error: 4 }
      : { accept: true, pppProfile: "users" },
  user: () => ({ accept: true, secret: "test", address: "10.0.0.2" }),
});

const packet = new Uint8Array(20);
packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1]);

/** All `session-carried` of an end. */
function carriedAt(end: Pair["lac"]): EventOf<"session-carried">[] {
  const events: EventOf<"session-carried">[] = [];
  end.context.on("session-carried", (event) => void events.push(event));
  return events;
}

test("what a call has carried is told when it has ended, stays with it, and counts for its tunnel", async () => {
  const pair = new Pair({ lns: { authority, profiles } });
  const [atLac, atLns] = [carriedAt(pair.lac), carriedAt(pair.lns)];
  const order: ContextEvent["type"][] = [];
  for (const type of ["session-down", "session-carried", "tunnel-down"] as const) {
    pair.lac.context.on(type, () => void order.push(type));
  }
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const session = tunnel.newSession({ name: "s", redial: false, ppp: client });
  await pair.advance(5_000);
  session.plane?.link?.packets?.send(packet);
  await pair.advance(1_000);
  const before = await tunnel.statistics();
  const [row] = before.sessions;
  expect(row?.txPackets).toBeGreaterThan(0);
  expect(before.data).toMatchObject({ txPackets: row?.txPackets, rxPackets: row?.rxPackets });

  session.hangUp();
  await pair.advance(5_000);
  const [told] = atLac;
  expect(atLac).toHaveLength(1);
  expect(told).toMatchObject({ tunnel: "to-lns", session: "s", kind: "lac-incoming" });
  expect(told?.upForMs).toBeGreaterThan(5_000);
  // PPP's good-bye is in it.
  expect(told?.data.txPackets).toBeGreaterThan(row?.txPackets ?? 0);
  expect(atLns).toMatchObject([
    { kind: "lns-incoming", userName: "alice", data: { rxPackets: told?.data.txPackets } },
  ]);
  expect((await tunnel.statistics()).data).toEqual(told?.data);

  expect(pair.lac.context.closedSessions()).toMatchObject([
    { name: "s", tunnelName: "to-lns", peer: { address: LNS }, data: told?.data, ending: { by: "local" } },
  ]);
  const [ended] = pair.lns.context.closedSessions();
  expect(ended).toMatchObject({ peer: { address: LAC }, userName: "alice", data: atLns[0]?.data });
  expect(ended?.tunnelName).toMatch(/^lac-/);
  expect(ended?.messages.map(({ direction, message }) => `${direction} ${message}`)).toEqual([
    "sent ICRP",
    "received ICCN",
    "received CDN",
  ]);

  // A second call adds to it.
  session.dial();
  await pair.advance(5_000);
  await tunnel.close();
  await pair.advance(5_000);
  expect(atLac).toHaveLength(2);
  expect(order).toEqual([
    "session-down",
    "session-carried",
    "session-down",
    "tunnel-down",
    "session-carried",
  ]);
  await pair.close();
});

test("a call that was refused is kept with its tunnel, and has carried nothing", async () => {
  const pair = new Pair({ lns: { authority, profiles } });
  const carried = carriedAt(pair.lns);
  pair.lns.context.listen();
  const request = { calledNumber: "911" };
  pair.dial().newSession({ redial: false, ppp: client, call: { kind: "incoming", request } });
  await pair.advance(5_000);
  const [accepted] = pair.lns.context.tunnels as DynamicTunnel[];
  const [refused] = pair.lns.context.closedSessions();
  expect(refused).toMatchObject({
    tunnelName: accepted?.name,
    peer: { address: LAC },
    calledNumber: "911",
    data: undefined,
    userName: undefined,
    ending: { result: 2, error: 4 },
  });
  expect(refused?.name).toBe(`call-${refused?.sessionId}`);
  expect(refused?.messages).toMatchObject([{ direction: "sent", message: "CDN" }]);
  expect(carried).toEqual([]);
  await pair.close();
});

test("as many are kept as the history has", async () => {
  const pair = new Pair({ lac: { control: { historySessions: 2 } }, lns: { authority, profiles } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const sessions = Array.from({ length: 5 }, (_, n) =>
    tunnel.newSession({ name: `s${n}`, redial: false, ppp: client }),
  );
  await pair.advance(5_000);
  for (const session of sessions) session.hangUp();
  await pair.advance(10_000);
  const closed = pair.lac.context.closedSessions();
  expect(closed).toHaveLength(2);
  for (const { data } of closed) expect(data?.txPackets).toBeGreaterThan(0);
  await pair.close();
});
