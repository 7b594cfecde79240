/** Settings that change while a context runs. */
import { ControlError } from "@l2tp/control";
import { expect, test } from "vitest";
import { openHouse, Pair } from "./pair.ts";

test("limits, and how long to wait between tries, change while tunnels go on", async () => {
  const pair = new Pair({
    lns: { authority: openHouse() },
    lac: { control: { tunnel: { hostName: "lac" } }, backoff: { firstMs: 1_000, maxMs: 1_000, jitter: 0 } },
  });
  pair.lns.context.listen();
  const first = pair.dial();
  await pair.advance(1_000);
  pair.lns.context.reconfigure({ control: { limits: { tunnels: 1 } } });
  const second = pair.dial({ name: "second" });
  await pair.advance(1_000);
  expect(first.state).toBe("up");
  expect(second.reason?.text).toContain("limits.tunnels: there are 1");
  pair.lns.context.reconfigure({ control: { limits: { tunnels: 2 } } });
  await pair.advance(60_000);
  expect(second.state).toBe("up");

  // A session whose calls end at once is opened again after the new wait.
  const refusing = openHouse({ call: () => ({ accept: false, reason: "none" }) });
  const other = pair.end("other", "192.0.2.9", { authority: refusing });
  other.context.listen();
  const third = pair.dial({ name: "third", peers: [{ host: "192.0.2.9" }] });
  await pair.advance(1_000);
  pair.lac.context.reconfigure({ backoff: { firstMs: 20_000, maxMs: 20_000 } });
  const session = third.newSession({ name: "s", ppp: { by: "none" } });
  await pair.advance(1_000);
  expect(session.state).toBe("retrying");
  const tries = () => other.log.filter((line) => line.includes("a call on tunnel")).length;
  const before = tries();
  await pair.advance(15_000);
  expect(tries()).toBe(before);
  await pair.advance(10_000);
  expect(tries()).toBe(before + 1);
  const closed = other.context.close();
  await pair.close();
  await closed;
});

test("what cannot be is refused whole, and a closed context takes nothing", async () => {
  const pair = new Pair();
  const bad = { control: { limits: { tunnels: 0 } }, backoff: { firstMs: 1 } };
  expect(() => pair.lns.context.reconfigure(bad)).toThrow(ControlError);
  await pair.close();
  expect(() => pair.lns.context.reconfigure({})).toThrow(/closed/);
});
