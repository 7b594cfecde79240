import { expect, test } from "vitest";
import {
  DhcpResponder,
  type PppOptions,
  PppSettingError,
  pppSettings,
  RouterAdvertiser,
} from "../src/index.ts";

/** What is wrong, and what the message has to say. */
const WRONG: [PppOptions, string][] = [
  [{ mru: 10 }, "mru: must be a whole number from 128 to 65535, not 10"],
  [{ restartMs: 1.5 }, "restartMs: must be a whole number"],
  [{ accm: -1 }, "accm: must be"],
  [{ tcpMss: 3 }, "tcpMss: must be auto, off, or octets from 64 to 65535, not 3"],
  [{ proxy: "trust" as "use" }, "proxy: must be one of use, verify, renegotiate, not trust"],
  [{ mppe: { policy: "on" as "off" } }, "mppe.policy: must be one of off, allow, request, require, not on"],
  [{ mppe: { bits: [] } }, "mppe.bits: name one at least of 128, 56, 40"],
  [{ mppe: { bits: [64 as 40] } }, "mppe.bits: must be one of 128, 56, 40, not 64"],
  [{ authenticatePeer: { methods: [] } }, "authenticatePeer.methods: name one at least of eap-mschap-v2"],
  [{ authenticatePeer: { methods: ["chap" as "pap"] } }, "authenticatePeer.methods: must be one of"],
  [
    { authenticatePeer: { attempts: 0 } },
    "authenticatePeer.attempts: must be a whole number from 1 to 255, not 0",
  ],
  [
    { authenticateSelf: { name: "", password: "x" } },
    "authenticateSelf: name and password must not be empty",
  ],
  [
    { authenticateSelf: { name: "x", password: "" } },
    "authenticateSelf: name and password must not be empty",
  ],
  [
    { ipv4: { local: "10.0.0.0/8" } },
    "ipv4.local: must be an IPv4 address such as 192.0.2.1, not 10.0.0.0/8",
  ],
  [{ ipv4: { peer: "0.0.0.0" } }, "leave it out to have any"],
  [{ ipv4: { dns: ["1.1.1.1", "1.0.0.1", "8.8.8.8"] } }, "ipv4.dns: IPCP can tell two servers, not 3"],
  [{ ipv4: { nbns: ["x"] } }, "ipv4.nbns[0]: must be an IPv4 address"],
  [{ ipv6: { local: "2001:db8::1" } }, "ipv6.local: must be an interface identifier such as ::1"],
  [{ ipv6: { peer: "::" } }, "ipv6.peer: must be an interface identifier"],
];

test("a setting that cannot be is named, with what it should be", () => {
  for (const [options, message] of WRONG) {
    expect(() => pppSettings(options), message).toThrow(message);
    expect(() => pppSettings(options)).toThrow(PppSettingError);
  }
});

test("prefixes and servers of router discovery and DHCPv6 are checked before a link uses them", () => {
  const identifier = new Uint8Array(8).fill(1);
  for (const prefix of ["2001:db8::1/64", "2001:db8::", "2001:db8::/129", "x/64"]) {
    expect(() => new RouterAdvertiser({ identifier, prefix }), prefix).toThrow(PppSettingError);
  }
  expect(() => new RouterAdvertiser({ identifier, dns: ["1.1.1.1"] })).toThrow(
    "dns[0]: must be an IPv6 address",
  );
  expect(() => new DhcpResponder({ identifier, duid: identifier, address: "1" })).toThrow(
    "address: must be an IPv6 address",
  );
});

test("by default a link asks for its address, uses both families, demands nothing, and shows no password", () => {
  const settings = pppSettings({ authenticateSelf: { name: "u", password: "secret" }, mru: 1462 });
  expect(settings).toMatchObject({
    mru: 1462,
    mtu: 1462,
    ipv4: { local: undefined },
    ipv6: {},
    authenticatePeer: undefined,
    caller: true,
  });
  expect(settings.authenticateSelf?.methods).not.toContain("pap");
  expect(JSON.stringify(settings)).not.toContain("secret");
});
