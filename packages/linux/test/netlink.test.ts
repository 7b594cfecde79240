/** The codec against what iproute2 and a kernel said to each other: vectors/iproute2.json, made by vectors/record.mjs. */
import { readFileSync } from "node:fs";
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import {
  address,
  link,
  NetlinkError,
  type NetlinkRequest,
  neighbour,
  netlink,
  nlabi,
  resolveFamily,
  route,
} from "../src/index.ts";

const { recorded } = JSON.parse(readFileSync(new URL("vectors/iproute2.json", import.meta.url), "utf8")) as {
  recorded: { command: string; requests: string[]; answers: string[] }[];
};

const octets = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function exchange(command: string, nth = 0) {
  const found = recorded.filter((one) => one.command === command)[nth];
  if (found === undefined) throw new Error(`not recorded: ${command}`);
  const messages = (texts: string[]) => texts.flatMap((text) => netlink.decodeMessages(octets(text)));
  return { requests: messages(found.requests), answers: messages(found.answers), texts: found.requests };
}

/** The request of a command that is of this type: the last, as `ip` first asks about interfaces. */
function theirs(command: string, type: number) {
  const { requests } = exchange(command);
  const found = requests.filter((one) => one.type === type).at(-1);
  if (found === undefined) throw new Error(`no message ${type} in: ${command}`);
  return found;
}

const WAN0 = exchange("ip link show dev wan0")
  .answers.flatMap((one) => link.decodeLink(one) ?? [])
  .find(({ name }) => name === "wan0");
const BR0 = exchange("ip link show")
  .answers.flatMap((one) => link.decodeLink(one) ?? [])
  .find(({ name }) => name === "br0");
const wan0 = WAN0?.index ?? 0;
const br0 = BR0?.index ?? 0;

describe("a request is, octet for octet, what iproute2 sends", () => {
  const ours: [string, NetlinkRequest<unknown>][] = [
    [
      "ip link add wan0 mtu 1400 address 02:00:00:00:00:01 type veth peer name wan1 address 02:00:00:00:00:02",
      link.add({
        name: "wan0",
        kind: "veth",
        mtuOctets: 1400,
        address: "02:00:00:00:00:01",
        peer: { name: "wan1", address: "02:00:00:00:00:02" },
      }),
    ],
    ["ip link add br0 type bridge", link.add({ name: "br0", kind: "bridge" })],
    ["ip link set wan0 master br0", link.set({ index: wan0 }, { master: br0 })],
    ["ip link set wan0 nomaster", link.set({ index: wan0 }, { master: 0 })],
    ["ip link set wan0 up", link.set({ index: wan0 }, { up: true })],
    ["ip link del wan0", link.remove({ index: wan0 })],
    [
      "ip address add 192.0.2.1/24 broadcast 192.0.2.255 dev wan0",
      address.add({ index: wan0, address: "192.0.2.1", prefixLength: 24, broadcast: "192.0.2.255" }),
    ],
    [
      "ip address add 198.51.100.1 peer 198.51.100.2 dev wan0",
      address.add({ index: wan0, address: "198.51.100.1", peer: "198.51.100.2" }),
    ],
    [
      "ip -6 address add 2001:db8::1/64 nodad dev wan0",
      address.add({ index: wan0, address: "2001:db8::1", prefixLength: 64, noDuplicateDetection: true }),
    ],
    [
      "ip -6 address del 2001:db8::1/64 dev wan0",
      address.remove({ index: wan0, address: "2001:db8::1", prefixLength: 64 }),
    ],
    [
      "ip route add 203.0.113.0/24 via 192.0.2.254 mtu 1280 metric 50 proto static",
      route.add({ destination: "203.0.113.0/24", gateway: "192.0.2.254", mtuOctets: 1280, metric: 50 }),
    ],
    ["ip route del 203.0.113.0/24", route.remove({ destination: "203.0.113.0/24" })],
    ["ip route get 203.0.113.9", route.lookUp("203.0.113.9")],
    [
      "ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev wan0",
      neighbour.add({ interfaceIndex: wan0, address: "192.0.2.77", linkAddress: "02:00:00:00:00:77" }),
    ],
  ];
  test.each(ours)("%s", (command, request) => {
    const their = theirs(command, request.type);
    expect(hex(request.payload)).toBe(hex(their.payload));
    // iproute2 sends look-ups without asking for an acknowledgement.
    const ours = request.flags | nlabi.NLM_F_REQUEST | nlabi.NLM_F_ACK;
    expect(ours).toBe(their.flags | nlabi.NLM_F_ACK);
  });
});

test("the look-up of a family differs from iproute2's in nothing but the version, which it leaves 0", () => {
  const request = resolveFamily("l2tp");
  const their = theirs("ip l2tp show tunnel", nlabi.GENL_ID_CTRL).payload.slice();
  their[nlabi.genlmsghdr.version] = 1;
  expect(hex(request.payload)).toBe(hex(their));
});

test("every recorded request encodes again to the same octets", () => {
  const all = recorded.flatMap(({ requests }) => requests);
  expect(all.length).toBeGreaterThan(50);
  for (const one of all) {
    const messages = netlink.decodeMessages(octets(one));
    const again = hex(netlink.concat(messages.map(netlink.encodeMessage)));
    // iproute2 sends a whole structure where the message is shorter: zeros that are no part of it.
    expect(again.length).toBeGreaterThan(0);
    expect(again.padEnd(one.length, "0")).toBe(one);
  }
});

test("links, addresses, routes and neighbours read as iproute2 prints them", () => {
  expect(WAN0).toMatchObject({
    name: "wan0",
    kind: "veth",
    address: "02:00:00:00:00:01",
    mtuOctets: 1400,
    up: true,
    carrier: false,
    operationalState: "lower-layer-down",
    statistics: { rxPackets: 0, txDropped: 0 },
  });
  const links = link.list().decode(exchange("ip link show").answers);
  expect(links.map(({ name }) => name)).toEqual(["lo", "wan1", "wan0", "br0"]);
  const addresses = address.list({ index: wan0 }).decode(exchange("ip address show dev wan0").answers);
  expect(addresses.map((one) => [one.address, one.prefixLength, one.peer, one.broadcast])).toEqual([
    ["192.0.2.1", 24, undefined, "192.0.2.255"],
    ["198.51.100.1", 32, "198.51.100.2", undefined],
    ["2001:db8::1", 64, undefined, undefined],
  ]);
  expect(route.lookUp("203.0.113.9").decode(exchange("ip route get 203.0.113.9").answers)).toMatchObject({
    gateway: "192.0.2.254",
    interfaceIndex: wan0,
    preferredSource: "192.0.2.1",
    mtuOctets: 1280,
  });
  expect(route.lookUp("127.0.0.1").decode(exchange("ip route get 127.0.0.1").answers)).toMatchObject({
    kind: "local",
    interfaceIndex: 1,
  });
  const routes = route.list().decode(exchange("ip route show table all").answers);
  expect(routes).toContainEqual(
    expect.objectContaining({
      destination: "203.0.113.0",
      prefixLength: 24,
      gateway: "192.0.2.254",
      metric: 50,
      mtuOctets: 1280,
      table: nlabi.RT_TABLE_MAIN,
    }),
  );
  expect(neighbour.list().decode(exchange("ip neigh show").answers)).toContainEqual({
    family: 4,
    interfaceIndex: wan0,
    address: "192.0.2.77",
    linkAddress: "02:00:00:00:00:77",
    state: nlabi.NUD_PERMANENT,
  });
});

test("an acknowledgement is 0, a refusal has the number and the kernel's own words", () => {
  const acks = (command: string, nth = 0) =>
    exchange(command, nth)
      .answers.filter(({ type }) => type === nlabi.NLMSG_ERROR)
      .map(netlink.decodeAcknowledgement);
  expect(acks("ip link add br0 type bridge").at(-1)).toEqual({ errno: 0 });
  expect(acks("ip link add br0 type bridge", 1).at(-1)).toMatchObject({ errno: 17 });
  expect(acks("ip link add d0 type nosuch").at(-1)).toEqual({ errno: 95, text: "Unknown device type" });
  expect(acks("ip l2tp show tunnel").at(-1)).toMatchObject({ errno: 2 });
  const request = link.add({ name: "d0", kind: "nosuch" });
  const error = new NetlinkError(request, acks("ip link add d0 type nosuch").at(-1) ?? { errno: 0 });
  expect(error.message).toMatch(
    /^RTM_NEWLINK d0: EOPNOTSUPP \(95\): the kernel says: Unknown device type: .*module may be missing/,
  );
});

test("an extended ack's offset becomes the attribute's name, also inside of nests", () => {
  const request = link.add({ name: "d0", kind: "veth", mtuOctets: 1400 });
  const table = request.table ?? {};
  const at = (inPayload: number) =>
    netlink.nameAt(table, request.payload, request.headerOctets ?? 0, nlabi.nlmsghdr.size + inPayload);
  // ifinfomsg 16, MTU 8, IFNAME 4+3+1, LINKINFO 4, KIND.
  expect(at(16)).toBe("MTU");
  expect(at(24)).toBe("IFNAME");
  expect(at(32)).toBe("LINKINFO");
  expect(at(36)).toBe("LINKINFO.KIND");
  expect(at(4)).toBeUndefined();
  expect(at(4000)).toBeUndefined();
  const error = new NetlinkError(request, { errno: 34, offset: nlabi.nlmsghdr.size + 36 });
  expect(error.attribute).toBe("LINKINFO.KIND");
  expect(new NetlinkError(request, { errno: 22, missingType: 18 }).attribute).toBe("LINKINFO (missing)");
});

test("the family l2tp of a kernel that has it resolves to its number and groups", () => {
  // Constructed as linux/genetlink.h says: CTRL_CMD_NEWFAMILY with one multicast group.
  const group = netlink.attributes({ NAME: [1, netlink.string], ID: [2, netlink.u32] });
  const ctrl = netlink.attributes({
    FAMILY_ID: [1, netlink.u16],
    FAMILY_NAME: [2, netlink.string],
    VERSION: [3, netlink.u32],
    MCAST_GROUPS: [7, netlink.listOf(netlink.nested(group))],
  });
  const payload = netlink.concat([
    Uint8Array.of(nlabi.CTRL_CMD_NEWFAMILY, 2, 0, 0),
    netlink.encodeAttributes(ctrl, {
      FAMILY_NAME: "l2tp",
      FAMILY_ID: 31,
      VERSION: 1,
      MCAST_GROUPS: [{ NAME: "l2tp", ID: 9 }],
    }),
  ]);
  const message = { type: nlabi.GENL_ID_CTRL, flags: 0, sequence: 1, portId: 0, payload };
  expect(resolveFamily("l2tp").decode([message])).toEqual({
    id: 31,
    name: "l2tp",
    version: 1,
    groups: new Map([["l2tp", 9]]),
  });
});

test("values outside of an integer's range, and malformed addresses, are refused by name", () => {
  const table = netlink.attributes({ A: [1, netlink.u16], M: [2, netlink.linkAddress], I: [3, netlink.ip] });
  expect(() => netlink.encodeAttributes(table, { A: 65_536 })).toThrow(
    /65536 does not fit .* \(0 to 65535\)/,
  );
  expect(() => netlink.encodeAttributes(table, { M: "02-00" })).toThrow(/"02-00" is no link-layer address/);
  expect(() => netlink.encodeAttributes(table, { I: "10.0.0" })).toThrow(/"10.0.0" is not an IP address/);
  expect(() => link.set({ name: "a" }, { name: "b" })).toThrow(/select the interface by its index/);
  expect(() => address.add({ index: 1, address: "192.0.2.1", prefixLength: 33 })).toThrow(/0 to 32/);
  expect(() => route.add({ destination: "192.0.2.0/x" })).toThrow(/no destination/);
});

test("any attributes decode to what was encoded, and any octets decode to something", () => {
  const inner = netlink.attributes({ TEXT: [1, netlink.string], FLAG: [2, netlink.flag] });
  const table = netlink.attributes({
    A: [1, netlink.u8],
    B: [2, netlink.u16],
    C: [3, netlink.u32],
    D: [4, netlink.u64],
    E: [5, netlink.s32],
    F: [6, netlink.be16],
    G: [7, netlink.be32],
    H: [8, netlink.octets],
    N: [9, netlink.nested(inner)],
    O: [10, netlink.nested(inner, { flagged: false })],
    L: [11, netlink.listOf(netlink.u32)],
  });
  const text = fc.string().filter((one) => !one.includes("\0"));
  const nest = fc.record({ TEXT: text, FLAG: fc.constant(true) }, { requiredKeys: [] });
  const values = fc.record(
    {
      A: fc.nat(0xff),
      B: fc.nat(0xffff),
      C: fc.nat(0xffff_ffff),
      D: fc.nat(Number.MAX_SAFE_INTEGER),
      E: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      F: fc.nat(0xffff),
      G: fc.nat(0xffff_ffff),
      H: fc.uint8Array({ maxLength: 50 }),
      N: nest,
      O: nest,
      L: fc.array(fc.nat(0xffff_ffff)),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(values, (value) => {
      expect(netlink.decodeAttributes(table, netlink.encodeAttributes(table, value))).toEqual(value);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      netlink.decodeAttributes(table, bytes);
      for (const message of netlink.decodeMessages(bytes)) {
        netlink.decodeAcknowledgement(message);
        netlink.decodeDone(message);
        link.decodeLink({ ...message, type: nlabi.RTM_NEWLINK });
        address.decodeAddress({ ...message, type: nlabi.RTM_NEWADDR });
        route.decodeRoute({ ...message, type: nlabi.RTM_NEWROUTE });
        neighbour.decodeNeighbour({ ...message, type: nlabi.RTM_NEWNEIGH });
      }
    }),
  );
});

test("a recorded dump, cut off and mutated anywhere, never throws", () => {
  const dump = octets(recorded.find(({ command }) => command === "ip link show")?.answers[1] ?? "");
  expect(dump.length).toBeGreaterThan(3000);
  fc.assert(
    fc.property(
      fc.nat(dump.length),
      fc.array(fc.tuple(fc.nat(dump.length - 1), fc.nat(255))),
      (cut, changes) => {
        const bytes = dump.slice(0, cut);
        for (const [at, value] of changes) if (at < cut) bytes[at] = value;
        link.list().decode(netlink.decodeMessages(bytes));
      },
    ),
  );
});
