/** The family's tables against what iproute2 and a kernel said to each other: vectors/iproute2.json. */
import { readFileSync } from "node:fs";
import type { SessionStatistics } from "@l2tp/dataplane";
import { NetlinkError, type NetlinkMessage, type NetlinkRequest, netlink } from "@l2tp/linux";
import { describe, expect, test } from "vitest";
import { readSession, tunnelIdOf } from "../src/dump.ts";
import * as l2tp from "../src/family.ts";

const { recorded } = JSON.parse(readFileSync(new URL("vectors/iproute2.json", import.meta.url), "utf8")) as {
  recorded: { command: string; requests: string[]; answers: string[] }[];
};

/** The number that the recording kernel gave the family. */
const FAMILY = { id: 0x20 };
const octets = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

function exchange(command: string) {
  const found = recorded.find((one) => one.command.startsWith(command));
  if (found === undefined) throw new Error(`not recorded: ${command}`);
  const messages = (texts: string[]) => texts.flatMap((text) => netlink.decodeMessages(octets(text)));
  return { requests: messages(found.requests), answers: messages(found.answers) };
}

const asked = (command: string): NetlinkMessage => {
  const found = exchange(command).requests.find(({ type }) => type === FAMILY.id);
  if (found === undefined) throw new Error(`no request of the family: ${command}`);
  return found;
};
const told = (command: string) => exchange(command).answers.filter(({ type }) => type === FAMILY.id);

/** Command and attributes; what the kernel ignores (L2SPEC_LEN, PEER_CONN_ID of a session) is left out. */
function meaning(payload: Uint8Array) {
  const { PEER_CONN_ID, ...rest } = netlink.decodeAttributes(l2tp.L2TP_ATTRIBUTES, payload.subarray(4));
  const session = payload[0] === l2tp.L2TP_COMMAND.SESSION_CREATE;
  return { command: payload[0], version: payload[1], attributes: session ? rest : { ...rest, PEER_CONN_ID } };
}

describe("a request means what that of iproute2 means", () => {
  const v3 = { PROTO_VERSION: 3 };
  const ours: [string, NetlinkRequest<unknown>][] = [
    [
      "ip l2tp add tunnel tunnel_id 42",
      l2tp.createTunnel(FAMILY, {
        ...v3,
        CONN_ID: 42,
        PEER_CONN_ID: 43,
        ENCAP_TYPE: l2tp.ENCAP.udp,
        IP_SADDR: "192.0.2.1",
        IP_DADDR: "192.0.2.2",
        UDP_SPORT: 5000,
        UDP_DPORT: 6000,
      }),
    ],
    [
      "ip l2tp add tunnel tunnel_id 1 ",
      l2tp.createTunnel(FAMILY, {
        ...v3,
        CONN_ID: 1,
        PEER_CONN_ID: 0xffff_ffff,
        ENCAP_TYPE: l2tp.ENCAP.udp,
        IP6_SADDR: "2001:db8::1",
        IP6_DADDR: "2001:db8::2",
        UDP_SPORT: 1701,
        UDP_DPORT: 1701,
        UDP_ZERO_CSUM6_TX: true,
        UDP_ZERO_CSUM6_RX: true,
      }),
    ],
    [
      "ip l2tp add tunnel tunnel_id 7",
      l2tp.createTunnel(FAMILY, {
        ...v3,
        CONN_ID: 7,
        PEER_CONN_ID: 8,
        ENCAP_TYPE: l2tp.ENCAP.ip,
        IP_SADDR: "192.0.2.1",
        IP_DADDR: "192.0.2.2",
      }),
    ],
    [
      "ip l2tp add session name l2tpx",
      l2tp.createSession(FAMILY, {
        CONN_ID: 42,
        SESSION_ID: 128,
        PEER_SESSION_ID: 129,
        PW_TYPE: l2tp.PWTYPE.eth,
        L2SPEC_TYPE: l2tp.L2SPEC.none,
        COOKIE: octets("0011223344556677"),
        PEER_COOKIE: octets("8899aabb"),
        SEND_SEQ: 1,
        RECV_SEQ: 1,
        IFNAME: "l2tpx",
      }),
    ],
    ["ip l2tp show tunnel tunnel_id 42", l2tp.getTunnel(FAMILY, 42)],
    ["ip l2tp show session tunnel_id 42", l2tp.getSession(FAMILY, 42, 128)],
    ["ip l2tp del session", l2tp.deleteSession(FAMILY, 42, 128)],
    ["ip l2tp del tunnel tunnel_id 42", l2tp.deleteTunnel(FAMILY, 42)],
  ];
  for (const [command, request] of ours) {
    test(command.trim(), () => {
      const theirs = asked(command);
      expect(meaning(request.payload)).toEqual(meaning(theirs.payload));
      expect(request.type).toBe(theirs.type);
    });
  }

  test("a request of ours has iproute2's octets where it leaves nothing out", () => {
    expect(Buffer.from(l2tp.getSession(FAMILY, 42, 128).payload).toString("hex")).toBe(
      Buffer.from(asked("ip l2tp show session tunnel_id 42").payload).toString("hex"),
    );
    expect(Buffer.from(l2tp.deleteTunnel(FAMILY, 42).payload).toString("hex")).toBe(
      Buffer.from(asked("ip l2tp del tunnel tunnel_id 42").payload).toString("hex"),
    );
  });
});

describe("the kernel's answers", () => {
  test("a dump of tunnels has addresses, ports, versions and checksum settings", () => {
    const tunnels = l2tp.dumpTunnels(FAMILY).decode(told("ip l2tp show tunnel"));
    expect(tunnels).toHaveLength(3);
    const common = { PROTO_VERSION: 3, DEBUG: 0 };
    expect(tunnels.find(({ CONN_ID }) => CONN_ID === 42)).toMatchObject({
      ...common,
      PEER_CONN_ID: 43,
      ENCAP_TYPE: l2tp.ENCAP.udp,
      IP_SADDR: "192.0.2.1",
      IP_DADDR: "192.0.2.2",
      UDP_SPORT: 5000,
      UDP_DPORT: 6000,
    });
    expect(tunnels.find(({ CONN_ID }) => CONN_ID === 1)).toMatchObject({
      PEER_CONN_ID: 0xffff_ffff,
      IP6_SADDR: "2001:db8::1",
      IP6_DADDR: "2001:db8::2",
      UDP_ZERO_CSUM6_TX: true,
      UDP_ZERO_CSUM6_RX: true,
    });
    expect(tunnels.find(({ CONN_ID }) => CONN_ID === 7)).toMatchObject({
      ENCAP_TYPE: l2tp.ENCAP.ip,
      IP_DADDR: "192.0.2.2",
    });
  });

  test("a dump of sessions has IDs, cookies, sequencing, interface and statistics", () => {
    const sessions = l2tp.dumpSessions(FAMILY).decode(told("ip l2tp show session"));
    expect(sessions).toHaveLength(2);
    const found = sessions.find(({ SESSION_ID }) => SESSION_ID === 128);
    expect(found).toMatchObject({
      CONN_ID: 42,
      PEER_SESSION_ID: 129,
      PEER_CONN_ID: 43,
      PW_TYPE: l2tp.PWTYPE.eth,
      IFNAME: "l2tpx",
      COOKIE: octets("0011223344556677"),
      PEER_COOKIE: octets("8899aabb"),
      SEND_SEQ: 1,
      RECV_SEQ: 1,
      LNS_MODE: 0,
    });
    expect(Number(found?.STATS?.TX_PACKETS)).toBe(0);
    expect(found?.STATS?.RX_COOKIE_DISCARDS).toBeDefined();
  });

  test("the quick reader of dumps reads what the tables read", () => {
    const row = {} as SessionStatistics;
    const quick = told("ip l2tp show session").map((message) => {
      readSession(message, row);
      return { ...row };
    });
    expect(quick.map(({ tunnelId, sessionId }) => [tunnelId, sessionId]).sort()).toEqual([
      [42, 128],
      [7, 5],
    ]);
    expect(quick.every((one) => one.rxInvalid === 0 && one.txBytes === 0)).toBe(true);
    expect(
      told("ip l2tp show tunnel")
        .map(tunnelIdOf)
        .sort((a, b) => a - b),
    ).toEqual([1, 7, 42]);
  });

  test("counters above 32 bits, and of kernels that have fewer, are read", () => {
    const stats = { TX_BYTES: 0x1_2345_6789, RX_PACKETS: 7 } as never;
    const payload = l2tp.createSession(FAMILY, { CONN_ID: 1, SESSION_ID: 2, STATS: stats }).payload;
    const row = { rxInvalid: 99 } as SessionStatistics;
    readSession({ type: FAMILY.id, flags: 0, sequence: 0, portId: 0, payload } as NetlinkMessage, row);
    expect(row).toMatchObject({
      tunnelId: 1,
      sessionId: 2,
      txBytes: 0x1_2345_6789,
      rxPackets: 7,
      rxInvalid: 0,
    });
  });

  test.each([
    ["ip l2tp add tunnel tunnel_id 7 peer_tunnel_id 9", "EEXIST"],
    ["ip l2tp del tunnel tunnel_id 99", "ENODEV"],
  ])("%s is refused with %s", (command, code) => {
    const found = recorded.find((one) => one.command.startsWith(command));
    const refusal = found?.answers.flatMap((text) => netlink.decodeMessages(octets(text))).at(-1);
    if (refusal === undefined) throw new Error("no answer");
    const request = l2tp.getTunnel(FAMILY, 7);
    expect(new NetlinkError(request, netlink.decodeAcknowledgement(refusal)).code).toBe(code);
  });
});

describe("hostile octets", () => {
  test("a dump that is cut off anywhere is read as far as it goes", () => {
    const [message] = told("ip l2tp show session");
    if (message === undefined) throw new Error("nothing recorded");
    const row = {} as SessionStatistics;
    for (let length = 0; length <= message.payload.length; length++) {
      readSession({ ...message, payload: message.payload.slice(0, length) }, row);
      tunnelIdOf({ ...message, payload: message.payload.slice(0, length) });
    }
    const broken = message.payload.slice();
    broken.fill(0, 4);
    readSession({ ...message, payload: broken }, row);
    expect(row.sessionId).toBe(0);
  });
});
