/** Echo requests and Neighbor Solicitations, octet by octet. */
import { parseIpv6 } from "@l2tp/ppp";
import { expect, test } from "vitest";
import { ParameterError } from "../../src/errors.ts";
import { EchoResponder, respondToEcho } from "../../src/ppp/index.ts";
import { CLIENT, last, PppWorld, rng, SERVER } from "./world.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replace(/#.*/g, "").replace(/\s/g, "").match(/../g) ?? [], (octets) =>
    Number.parseInt(octets, 16),
  );
const toHex = (octets: Uint8Array | undefined): string | undefined =>
  octets && Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

// 10.0.0.2 pings 10.0.0.1: ping -c 1 -s 8, as Linux sends it.
const PING = hex(`
  45 00 00 24 1c 46 40 00 40 01 0a 91   # IPv4, DF, ICMP
  0a 00 00 02  0a 00 00 01
  08 00 c8 4e 12 34 00 01               # echo, identifier 1234, sequence 1
  01 02 03 04 05 06 07 08`);

const fix4 = (packet: Uint8Array): Uint8Array => {
  const sum = (from: number, to: number) => {
    let total = 0;
    for (let at = from; at < to; at += 2)
      total += ((packet[at] as number) << 8) | (at + 1 < to ? (packet[at + 1] as number) : 0);
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    return ~total & 0xffff;
  };
  const header = 4 * ((packet[0] as number) & 15);
  const total = ((packet[2] as number) << 8) | (packet[3] as number);
  for (const [at, from, to] of [
    [10, 0, header],
    [header + 2, header, total],
  ] as const) {
    packet.set([0, 0], at);
    const value = sum(from, to);
    packet.set([value >> 8, value & 0xff], at);
  }
  return packet;
};

test("an echo request to our address is answered (RFC 792)", () => {
  const reply = new EchoResponder(["10.0.0.1"]).receive(fix4(PING.slice()));
  expect(reply?.subarray(12, 20)).toEqual(hex("0a000001 0a000002"));
  expect(toHex(reply?.subarray(20, 22))).toBe("0000");
  expect(toHex(reply?.subarray(24))).toBe("123400010102030405060708");
  // Both checksums are right: a second pass over the copy changes nothing.
  expect(fix4(reply?.slice() as Uint8Array)).toEqual(reply);
});

test.each<[string, (packet: Uint8Array) => Uint8Array]>([
  ["to another address", (packet) => fix4(packet.with(19, 9))],
  ["with a wrong checksum", (packet) => packet.with(27, (packet[27] as number) ^ 1)],
  ["with a wrong header checksum", (packet) => packet.with(1, 4)],
  ["in fragments", (packet) => fix4(packet.with(6, 0x20))],
  ["of a later fragment", (packet) => fix4(packet.with(7, 1))],
  ["cut short", (packet) => packet.subarray(0, 30)],
  ["of another protocol", (packet) => fix4(packet.with(9, 17))],
  ["that is a reply", (packet) => fix4(packet.with(20, 0))],
  ["with a header that is longer than the packet", (packet) => packet.with(0, 0x4f)],
  ["of nothing", () => new Uint8Array(0)],
])("an echo request %s is not answered", (_, change) => {
  expect(new EchoResponder(["10.0.0.1"]).receive(change(fix4(PING.slice())))).toBeUndefined();
});

test("options of the request are not sent back, and an odd length is summed right", () => {
  const request = fix4(
    hex("46 00 00 21 00 00 00 00 40 01 00 00 0a000002 0a000001 94040000 0800 0000 1234 0001 aa"),
  );
  const reply = new EchoResponder(["10.0.0.1/24"]).receive(request) as Uint8Array;
  expect(reply).toHaveLength(29);
  expect(reply[0]).toBe(0x45);
  expect(fix4(reply.slice())).toEqual(reply);
});

// fe80::2 pings fe80::1, 4 octets of data; checksum computed by hand below.
const from = hex("fe80 0000 0000 0000 0000 0000 0000 0002");
const to = hex("fe80 0000 0000 0000 0000 0000 0000 0001");

function v6(source: Uint8Array, destination: Uint8Array, hops: number, message: Uint8Array): Uint8Array {
  const packet = Uint8Array.of(
    0x60,
    0,
    0,
    0,
    0,
    message.length,
    58,
    hops,
    ...source,
    ...destination,
    ...message,
  );
  packet.set([0, 0], 42);
  let sum = message.length + 58;
  for (let at = 8; at < packet.length; at += 2) sum += ((packet[at] as number) << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.set([(~sum >> 8) & 0xff, ~sum & 0xff], 42);
  return packet;
}

test("an ICMPv6 echo request is answered (RFC 4443 §4.2)", () => {
  const request = v6(from, to, 64, hex("80 00 0000 1234 0001 deadbeef"));
  const reply = new EchoResponder(["fe80::1"]).receive(request) as Uint8Array;
  expect(reply).toEqual(v6(to, from, 64, hex("81 00 0000 1234 0001 deadbeef")));
  expect(new EchoResponder(["fe80::9"]).receive(request)).toBeUndefined();
  expect(new EchoResponder(["fe80::1"]).receive(request.with(47, 9))).toBeUndefined(); // checksum
});

const group = hex("ff02 0000 0000 0000 0000 0001 ff00 0001");
const solicitation = hex("87 00 0000 00000000 fe80 0000 0000 0000 0000 0000 0000 0001");

test("a Neighbor Solicitation for our address is answered (RFC 4861 §7.2.4)", () => {
  const answer = new EchoResponder(["fe80::1"]).receive(v6(from, group, 255, solicitation));
  expect(answer).toEqual(
    v6(to, from, 255, hex("88 00 0000 60000000 fe80 0000 0000 0000 0000 0000 0000 0001")),
  );
});

test("who asks whether it may have our address is told that it may not (RFC 4862 §5.4.4)", () => {
  const answer = new EchoResponder(["fe80::1"]).receive(v6(new Uint8Array(16), group, 255, solicitation));
  const all = hex("ff02 0000 0000 0000 0000 0000 0000 0001");
  expect(answer).toEqual(
    v6(to, all, 255, hex("88 00 0000 20000000 fe80 0000 0000 0000 0000 0000 0000 0001")),
  );
});

test("a Neighbor Solicitation from beyond the link is not answered (RFC 4861 §7.1.1)", () => {
  expect(new EchoResponder(["fe80::1"]).receive(v6(from, group, 254, solicitation))).toBeUndefined();
});

test("any octets are answered with a packet or with nothing", () => {
  const responder = new EchoResponder(["10.0.0.1", "fe80::1"]);
  const random = rng(1);
  const next = () => Math.floor(random() * 65_536);
  for (let i = 0; i < 20_000; i++) {
    const packet = Uint8Array.from({ length: next() % 80 }, () => next() & 0xff);
    packet[0] = next() % 2 === 0 ? 0x45 : 0x60;
    expect(() => responder.receive(packet)).not.toThrow();
  }
});

test("it answers on the packets of a session until it is disposed of", () => {
  const sent: Uint8Array[] = [];
  let handler: ((packet: Uint8Array) => void) | undefined;
  const packets = {
    send: (packet: Uint8Array) => void sent.push(packet),
    onPacket: (taken: (packet: Uint8Array) => void) => {
      handler = taken;
      return { [Symbol.dispose]: () => (handler = undefined) };
    },
  };
  const responding = respondToEcho(packets, ["10.0.0.1"]);
  handler?.(fix4(PING.slice()));
  expect(sent).toHaveLength(1);
  responding[Symbol.dispose]();
  expect(handler).toBeUndefined();
});

test("a session that ends in the program can be pinged from the beginning, until the program takes its packets", async () => {
  const world = new PppWorld().user().address({ address: "10.0.0.2", ipv6Prefix: "2001:db8:1::/64" });
  const { client, server } = await world.run(CLIENT, { ...SERVER, ipv6: {} }, undefined, 5_000);
  const got: Uint8Array[] = [];
  client.link.packets.onPacket((packet) => got.push(packet.slice()));
  client.link.packets.send(fix4(PING.slice()));
  const { local, peer } = last(server, "up")?.ipv6 ?? {};
  const [own, other] = [peer, local].map((text) => parseIpv6(text ?? "") as Uint8Array);
  client.link.packets.send(
    v6(own as Uint8Array, other as Uint8Array, 64, hex("80 00 0000 1234 0001 deadbeef")),
  );
  await world.advance(10);
  expect(got.map((packet) => [packet[0], packet[(packet[0] as number) === 0x45 ? 20 : 40]])).toEqual([
    [0x45, 0],
    [0x60, 129],
  ]);
  const taken: Uint8Array[] = [];
  server.link.packets.onPacket((packet) => taken.push(packet.slice()));
  client.link.packets.send(fix4(PING.slice()));
  await world.advance(10);
  expect([got.length, taken.length]).toEqual([2, 1]);
});

test("an address that is none is refused", () => {
  expect(() => new EchoResponder(["10.0.0.1", "ten"])).toThrow(ParameterError);
});
