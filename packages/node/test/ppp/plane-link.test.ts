/** What of many configurations reaches a data plane that is busy with one. */
import type { MppeDirection, PppLinkConfiguration } from "@l2tp/dataplane";
import { SimulatedClock } from "@l2tp/dataplane-mock";
import { expect, test } from "vitest";
import { PlaneLink } from "../../src/ppp/plane-link.ts";
import { FakeLink } from "./world.ts";

const plain: PppLinkConfiguration = {
  sendAccm: 0,
  receiveAccm: 0,
  pfc: false,
  acfc: false,
  mru: 1500,
  mtu: 1500,
};
const key: MppeDirection = { bits: 128, stateless: true, startKey: new Uint8Array(16) };
const encrypted: PppLinkConfiguration = { ...plain, mppe: { send: key, receive: key } };

test("of those that wait the newest is enough, but the end of encryption is not left out before its next beginning", async () => {
  const clock = new SimulatedClock();
  const link = new FakeLink(clock);
  link.configureMs = 100;
  const plane = new PlaneLink(link, { planeSettled: () => {}, planeFailed: () => {} });
  const after = async (...configurations: readonly PppLinkConfiguration[]) => {
    const from = link.calls.length;
    for (const one of configurations) plane.configure(one);
    await clock.advanceAsync(1_000);
    return link.calls.slice(from).map((call) => call.replace("configure", "").trim() || "plain");
  };
  expect(await after(encrypted, encrypted, encrypted)).toEqual(["mppe", "mppe"]);
  expect(await after(encrypted, plain, encrypted, encrypted)).toEqual(["mppe", "plain", "mppe"]);
  expect(await after(encrypted, plain, encrypted, plain, encrypted)).toEqual(["mppe", "plain", "mppe"]);
  expect(await after(encrypted, plain, encrypted, plain, plain)).toEqual(["mppe", "plain"]);
});
