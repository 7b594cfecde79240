import type { PppLinkConfiguration } from "@l2tp/dataplane";
import { expect, test } from "vitest";
import {
  checkLinkSettings,
  defaultFamilies,
  destinationsOf,
  sourcesOf,
} from "../../src/ppp/link-settings.ts";

const attach = { to: "interface" } as const;
const link: PppLinkConfiguration = {
  sendAccm: 0,
  receiveAccm: 0,
  pfc: false,
  acfc: false,
  mru: 1500,
  mtu: 1500,
};
const ipv4 = { local: "10.0.0.2", peer: "10.0.0.1" };
const ipv6 = { local: "fe80::1", peer: "fe80::2", routes: ["2001:db8:7::/48"] };

test("default routes are those of the families that are up, and only where they are wanted", () => {
  const wanted = { attach, defaultRoute: true };
  expect(defaultFamilies({ ...link, ipv4, ipv6 }, wanted)).toEqual([4, 6]);
  expect(defaultFamilies({ ...link, ipv6 }, wanted)).toEqual([6]);
  expect(defaultFamilies({ ...link, ipv4, ipv6 }, { attach })).toEqual([]);
});

test("what is behind the peer is routed to it once; its own address only where no address of ours brings that along", () => {
  const routes = ["10.0.0.1/32", "10.0.0.1", "10.7.0.0/16", "10.7.0.0/16", "2001:db8::/32"];
  expect(destinationsOf({ ...link, ipv4, ipv6 }, { attach, routes })).toEqual([
    "2001:db8:7::/48",
    "10.7.0.0/16",
    "2001:db8::/32",
  ]);
  const unnumbered = { ...link, ipv4: { peer: "10.0.0.1", routes: ["10.0.0.1/32"] } };
  expect(destinationsOf(unnumbered, { attach })).toEqual(["10.0.0.1/32"]);
});

test("a peer sends from its addresses, from what is behind it, and from none while it looks for a router", () => {
  const four = { ...ipv4, routes: ["10.8.0.0/16"] };
  expect(sourcesOf({ ...link, ipv4: four, ipv6 }, { attach, routes: ["10.7.0.0/16"] })).toEqual([
    "10.0.0.1",
    "10.8.0.0/16",
    "::",
    "fe80::2",
    "2001:db8:7::/48",
    "10.7.0.0/16",
  ]);
  expect(sourcesOf({ ...link, ipv4 }, { attach })).toEqual(["10.0.0.1"]);
});

test("what the kernel's PPP cannot do is refused with what to do", () => {
  const refusal = (pppLink: object) => {
    try {
      checkLinkSettings("tunnel 1, session 2", {
        pseudowire: "ppp",
        pppLink: { attach, ...pppLink },
      } as unknown as Parameters<typeof checkLinkSettings>[1]);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  expect(refusal({ defaultRoute: true, proxyArp: true })).toBeUndefined();
  for (const [settings, message] of [
    [
      { rateLimit: { toPeerBps: 1_000_000 } },
      /session 2.*does not limit rates.*tc qdisc.*userspace data plane/,
    ],
    [{ attach: { to: "shared", name: "subs0" } }, /interface of its own.*subs0.*userspace data plane/],
    [{ attach: { to: "program" } }, /attach it to "interface".*userspace data plane/],
  ] as const) {
    expect(refusal(settings)).toMatchObject({ code: "unsupported", message: expect.stringMatching(message) });
  }
});
