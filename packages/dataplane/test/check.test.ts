import {
  checkBinding,
  checkSession,
  checkSessionChange,
  checkTunnel,
  type DataPlaneCapabilities,
  largestId,
  PlaneError,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { describe, expect, test } from "vitest";

const capabilities: DataPlaneCapabilities = {
  versions: [2, 3],
  encapsulations: ["udp", "ip"],
  families: [4, 6],
  pseudowires: ["eth", "ppp"],
  interfaces: true,
};
const session: SessionPlaneParameters = {
  name: "s",
  pseudowire: "eth",
  sessionId: 1,
  peerSessionId: 2,
  cookie: new Uint8Array(4),
  peerCookie: new Uint8Array(8),
  l2SpecificSublayer: "default",
  sendSequence: true,
  receiveSequence: true,
  reorderMs: 0,
};
const peer = { family: 4, address: "192.0.2.2", port: 1701 } as const;
const tunnel = { version: 3, tunnelId: 1, peerTunnelId: 2, peer } as const;
const udp = { encapsulation: "udp", family: 4 } as const;

/** Code and message of the refusal. */
function refusal(check: () => void): [string, string] {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(PlaneError);
    return [(error as PlaneError).code, (error as PlaneError).message];
  }
  throw new Error("it was accepted");
}

test("IDs are 16 bits in version 2 and 32 bits in version 3", () => {
  expect([largestId(2), largestId(3)]).toEqual([65_535, 4_294_967_295]);
});

describe("a session", () => {
  test("that is in order passes, in both versions", () => {
    checkSession(session, 3, capabilities);
    const v2 = {
      pseudowire: "ppp",
      cookie: new Uint8Array(),
      peerCookie: new Uint8Array(),
      l2SpecificSublayer: "none",
    };
    checkSession({ ...session, ...(v2 as Partial<SessionPlaneParameters>) }, 2, capabilities);
    checkSession({ ...session, interface: { name: "l2tpeth%d" } }, 3, capabilities);
  });

  test.each<[string, Partial<SessionPlaneParameters>, RegExp]>([
    ["ID 0", { sessionId: 0 }, /sessionId 0: an ID of L2TPv3 is 1 to 4,294,967,295/],
    ["a peer's ID of 33 bits", { peerSessionId: 2 ** 32 }, /peerSessionId 4294967296/],
    ["a cookie of 3 octets", { cookie: new Uint8Array(3) }, /cookie has 3 octets; 0, 4 or 8/],
    ["a peer's cookie of 9 octets", { peerCookie: new Uint8Array(9) }, /peerCookie has 9 octets/],
    ["numbers without a sublayer", { l2SpecificSublayer: "none" }, /L2-specific sublayer.*take "default"/],
    ["a negative reordering time", { reorderMs: -5 }, /reorderMs -5/],
    ["a tiny MTU", { mtu: { mtuOctets: 67, dontFragment: "set" } }, /MTU of 67/],
    ["a long name", { interface: { name: "x".repeat(16) } }, /16 octets; 1 to 15/],
    ["a name of umlauts that is short in letters only", { interface: { name: "ü".repeat(8) } }, /16 octets/],
    ["a name with a colon", { interface: { name: "eth0:1" } }, /no space/],
    ["a name of dots", { interface: { name: ".." } }, /neither/],
  ])("with %s is refused, and the message says what is right", (_, wish, message) => {
    const [code, text] = refusal(() => checkSession({ ...session, ...wish }, 3, capabilities));
    expect([code, text]).toEqual(["invalid-parameters", expect.stringMatching(message)]);
  });

  test("of version 2 has 16-bit IDs, PPP, neither cookie nor sublayer", () => {
    const v2 = { ...session, pseudowire: "ppp", l2SpecificSublayer: "none" } as const;
    const none = new Uint8Array();
    for (const wrong of [
      { ...v2, peerCookie: none },
      { ...v2, cookie: none },
      { ...v2, cookie: none, peerCookie: none, sessionId: 65_536 },
      { ...v2, cookie: none, peerCookie: none, pseudowire: "eth" as const },
      { ...v2, cookie: none, peerCookie: none, l2SpecificSublayer: "default" as const },
    ]) {
      expect(refusal(() => checkSession(wrong, 2, capabilities))[0]).toBe("invalid-parameters");
    }
  });

  test("of a pseudowire that is not to be had is unsupported, and the message says which are", () => {
    const check = () => checkSession({ ...session, pseudowire: "pppac" }, 3, capabilities);
    expect(refusal(check)).toEqual(["unsupported", expect.stringContaining("eth, ppp")]);
  });

  test("cannot be changed to what it could not have been made with", () => {
    checkSessionChange({ sendSequence: true, reorderMs: 5, mtuOctets: 1_400 }, session, 3);
    const bare = { sessionId: 1, l2SpecificSublayer: "none" } as const;
    checkSessionChange({ sendSequence: false }, bare, 3);
    checkSessionChange({ sendSequence: true }, bare, 2);
    expect(refusal(() => checkSessionChange({ sendSequence: true }, bare, 3))[1]).toMatch(
      /this session has none/,
    );
    expect(refusal(() => checkSessionChange({ reorderMs: Number.NaN }, session, 3))[0]).toBe(
      "invalid-parameters",
    );
    expect(refusal(() => checkSessionChange({ mtuOctets: 70_000 }, session, 3))[0]).toBe(
      "invalid-parameters",
    );
  });
});

describe("a tunnel", () => {
  test("that is in order passes", () => {
    checkTunnel(tunnel, udp, capabilities);
    const overIp = { ...tunnel, peer: { ...peer, port: 0 } };
    checkTunnel(overIp, { encapsulation: "ip", family: 4 }, capabilities);
  });

  test("is refused with bad IDs, a peer of another family or port, and as version 2 over IP", () => {
    expect(refusal(() => checkTunnel({ ...tunnel, tunnelId: 0 }, udp, capabilities))[1]).toMatch(
      /^tunnelId 0/,
    );
    const v2 = { ...tunnel, version: 2, peerTunnelId: 65_536 } as const;
    expect(refusal(() => checkTunnel(v2, udp, capabilities))[1]).toMatch(/1 to 65,535/);
    const wire6 = { encapsulation: "udp", family: 6 } as const;
    expect(refusal(() => checkTunnel(tunnel, wire6, capabilities))[1]).toMatch(/IPv4, the wire IPv6/);
    const portless = { ...tunnel, peer: { ...peer, port: 0 } };
    expect(refusal(() => checkTunnel(portless, udp, capabilities))[1]).toMatch(/1 to 65,535/);
    const ip = { encapsulation: "ip", family: 4 } as const;
    expect(refusal(() => checkTunnel(tunnel, ip, capabilities))[1]).toMatch(/no ports/);
    expect(refusal(() => checkTunnel({ ...tunnel, version: 2 }, ip, capabilities))[1]).toMatch(/in UDP only/);
    const only3 = { ...capabilities, versions: [3] as const };
    expect(refusal(() => checkTunnel({ ...tunnel, version: 2 }, udp, only3))[0]).toBe("unsupported");
  });
});

test("a binding is refused with what the data plane has not, and with a port that is none", () => {
  const local = { family: 4, address: "0.0.0.0", port: 0 } as const;
  checkBinding({ encapsulation: "udp", local }, capabilities);
  checkBinding({ encapsulation: "ip", local }, capabilities);
  const onlyUdp4 = { ...capabilities, encapsulations: ["udp"], families: [4] } as const;
  expect(refusal(() => checkBinding({ encapsulation: "ip", local }, onlyUdp4))[0]).toBe("unsupported");
  const v6 = { family: 6, address: "::", port: 0 } as const;
  expect(refusal(() => checkBinding({ encapsulation: "udp", local: v6 }, onlyUdp4))[1]).toMatch(
    /IPv6.*does: 4/,
  );
  const high = { ...local, port: 65_536 };
  expect(refusal(() => checkBinding({ encapsulation: "udp", local: high }, capabilities))[1]).toMatch(
    /65,535/,
  );
});
