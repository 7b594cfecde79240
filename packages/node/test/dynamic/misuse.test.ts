/** What a program gets to hear when it asks for what cannot be, and what it sees of what it holds. */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { ParameterError } from "../../src/index.ts";
import { LNS, Pair } from "./pair.ts";

/** Where the mistake is, as the error says. */
function pathOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ParameterError);
    return (error as ParameterError).message;
  }
  return "nothing was thrown";
}

const peers = [{ host: LNS }];

test.each([
  ["no peers", { peers: [] }, /^peers: name one LNS/],
  ["a peer that is a string", { peers: [LNS] }, /^peers\[0\]\.host: an address or a name/],
  ["peer instead of peers", { peer: LNS }, /^peer: .*do you mean peers\?/],
  [
    "secret instead of secrets, which would be no secret at all",
    { peers, secret: "x" },
    /^secret: .*do you mean secrets\?/,
  ],
  ["a secret that is a string", { peers, secrets: "opensesame" }, /^secrets: an array/],
  ["a setting that there is not", { peers, colour: "red" }, /^colour: .*those that there are: name, peers, /],
  ["a local address that is a string", { peers, local: "0.0.0.0:1701" }, /^local: an address such as/],
  ["a port that is none", { peers: [{ host: LNS, port: 99_999 }] }, /^peers\[0\]\.port: /],
  ["an unknown way to dial", { peers, dial: { mode: "sometimes" } }, /^dial\.mode: one of at-start, /],
  [
    "a misspelt setting of the transport",
    { peers, transport: { helloTimeout: 5 } },
    /do you mean helloTimeoutMs\?/,
  ],
  ["a misspelt one", { peers, udpCheksum: true }, /^udpCheksum: .*do you mean udpChecksum\?/],
])("a tunnel with %s", (_, init, message) => {
  const { context } = new Pair().lac;
  expect(pathOf(() => context.newDynamicTunnel(init as never))).toMatch(message);
  expect(context.tunnels).toEqual([]);
});

test.each([
  ["PPP by nobody", { ppp: { by: "mine" } }, /^ppp\.by: one of own, pppd, plane, none/],
  ["PPP of ours without a profile", { ppp: { by: "own" } }, /^ppp\.profile: what pppProfile\(\) makes/],
  ["a call of no kind", { call: { kind: "sideways" } }, /^call\.kind: incoming or outgoing/],
  ["an outgoing call to nobody", { call: { kind: "outgoing" } }, /^call\.request: /],
  ["numbers beside the call", { calledNumber: "100" }, /^calledNumber: there is no such setting/],
])("a session with %s", (_, init, message) => {
  const tunnel = new Pair().dial();
  expect(pathOf(() => tunnel.newSession(init as never))).toMatch(message);
  expect(tunnel.sessions).toEqual([]);
});

test("a listener at what is no address, or with a setting that there is not", () => {
  const { context } = new Pair().lns;
  expect(pathOf(() => context.listen({ local: "0.0.0.0:1701" as never }))).toMatch(
    /^local: an address such as/,
  );
  expect(pathOf(() => context.listen({ address: "0.0.0.0" } as never))).toMatch(/^address: there is no such/);
  expect(context.listeners).toEqual([]);
});

test("a refusal with a code that there is not is an error at once, and the caller can still be answered", async () => {
  const pair = new Pair();
  const messages: string[] = [];
  pair.lns.context.listen();
  pair.lns.context.on("incoming-tunnel", (caller) => {
    messages.push(pathOf(() => caller.reject({ result: 70_000 })));
    void caller.accept();
  });
  pair.lns.context.on("incoming-call", (call) => {
    messages.push(pathOf(() => call.reject({ error: -1 })));
    // As much of it as there is room for.
    expect(call.reject({ result: 2, error: 6, text: `${"€".repeat(400)}` })).toBe(true);
  });
  const session = pair.dial().newSession({ name: "s", redial: false });
  await pair.advance(2_000);
  expect(messages).toEqual([
    "result: a whole number from 0 to 65535 was expected, got 70000",
    "error: a whole number from 0 to 65535 was expected, got -1",
  ]);
  expect(session.ending).toMatchObject({
    by: "peer",
    message: "CDN",
    result: 2,
    error: 6,
    text: expect.stringMatching(/^€+$/),
  });
  expect(pair.lns.log.join("\n")).not.toContain("70000");
  await pair.close();
});

test("what is printed of a tunnel and its session is short, and has no secret in it", async () => {
  const pair = new Pair();
  pair.lns.context.listen();
  pair.lns.context.on("incoming-tunnel", (caller) => void caller.accept({ secrets: ["opensesame"] }));
  pair.lns.context.on("incoming-call", (call) => void call.accept());
  const tunnel = pair.dial({ secrets: ["opensesame"] });
  const session = tunnel.newSession({ name: "s" });
  await pair.advance(2_000);
  for (const text of [
    inspect(tunnel),
    inspect(session),
    JSON.stringify([tunnel, session]),
    inspect(pair.lns.context.tunnels),
  ]) {
    expect(text).not.toContain("opensesame");
    expect(text).toContain("up");
    expect(text.length).toBeLessThan(1_000);
  }
  expect(JSON.parse(JSON.stringify(tunnel))).toMatchObject({ name: "to-lns", state: "up", sessions: ["s"] });
  expect(JSON.parse(JSON.stringify(session))).toMatchObject({
    tunnel: "to-lns",
    name: "s",
    kind: "lac-incoming",
  });
  await pair.close();
});
