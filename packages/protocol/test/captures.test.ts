import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  ControlDatagram,
  type DataHeaderV2,
  type DataHeaderV3,
  decodeDatagram,
  encodeAvps,
  encodeDataV2,
  encodeDataV3,
  encodeMessage,
  encodeZlb,
  type InspectOptions,
  Inspector,
} from "../src/index.ts";
import { readPcap } from "./pcap.ts";

interface Entry {
  name: string;
  file: string;
  expected: string;
  secret?: string;
  decodeOptions: { cookieSize?: 0 | 4 | 8; l2Specific?: "none" | "default"; udpPort?: number };
}
type Json = Record<string, unknown>;

const json = (url: URL) => JSON.parse(readFileSync(url, "utf8"));
const ours = new URL("./captures/", import.meta.url);
const shared = new URL("../../../../shared/captures/", import.meta.url);

function entriesOf(folder: URL): Entry[] {
  return json(new URL("index.json", folder)).captures;
}

function inspectOptions({ secret, decodeOptions }: Entry): InspectOptions {
  const { cookieSize, l2Specific } = decodeOptions;
  return {
    ...(secret !== undefined && { secret }),
    ...(cookieSize !== undefined && { cookieSize }),
    ...(l2Specific && { sublayer: l2Specific }),
  };
}

/** What the codec answers for: addresses and frame are the reader's, AVP names are for people. */
function codecPart(packet: Json): Json {
  const { frame, ipVersion, src, dst, vlans, encap, srcPort, dstPort, ipReassembled, oracleNotes, ...rest } =
    packet;
  const avps = rest["avps"] as Json[] | undefined;
  return {
    ...rest,
    ...(rest["messageName"] !== undefined && { messageName: undefined }),
    ...(avps && { avps: avps.map(({ name, ...avp }) => avp) }),
    // The words for what is wrong are ours; that it is wrong is the capture's.
    malformed: rest["malformed"] !== null,
  };
}

function checkDecoding(folder: URL, entry: Entry): void {
  const expected = json(new URL(entry.expected, folder)) as {
    packets: Json[];
    skipped?: { frame: number }[];
  };
  const datagrams = readPcap(new URL(entry.file, folder), entry.decodeOptions.udpPort);
  const inspector = new Inspector(inspectOptions(entry));
  const packets = new Map(datagrams.map((one) => [one.frame, inspector.inspect(one.octets, one)]));
  for (const packet of expected.packets) {
    const found = packets.get(packet["frame"] as number);
    expect(found, `frame ${packet["frame"]}`).toBeDefined();
    expect(codecPart(found as unknown as Json), `frame ${packet["frame"]}`).toEqual(codecPart(packet));
  }
}

function checkEncoding(folder: URL, entry: Entry): void {
  const { cookieSize, l2Specific } = entry.decodeOptions;
  for (const { octets, encapsulation, frame } of readPcap(
    new URL(entry.file, folder),
    entry.decodeOptions.udpPort,
  )) {
    const options = {
      encapsulation,
      ...(cookieSize !== undefined && { cookieSize }),
      ...(l2Specific && { sublayer: l2Specific }),
    };
    const parsed = decodeDatagram(octets, options);
    if (!parsed.ok) continue;
    const { value } = parsed;
    const bare = octets.subarray(0, octets.length - value.trailing);
    if (value instanceof ControlDatagram) {
      expect(encodeAvps(value.header, value.avps, encapsulation), `frame ${frame}`).toEqual(bare);
      // Typed: decoded, encoded and decoded again, the message is the same; the octets are where nothing is hidden.
      const { header, message } = value;
      const again =
        message.type === "ZLB"
          ? encodeZlb(header.version, header as never, encapsulation)
          : encodeMessage(message as never, header as never, { encapsulation });
      const second = decodeDatagram(again, { encapsulation });
      expect(second.ok && second.value.kind === "control" && second.value.message, `frame ${frame}`).toEqual(
        message,
      );
    } else if (value.header.version === 2) {
      const { length, ...header } = value.header as DataHeaderV2;
      const fields = { ...header, withLength: length !== undefined };
      expect(encodeDataV2(fields, value.payload), `frame ${frame}`).toEqual(bare);
    } else {
      const { sublayer, ...header } = value.header as DataHeaderV3;
      expect(
        encodeDataV3({ ...header, ...(sublayer && { sublayer }) }, value.payload),
        `frame ${frame}`,
      ).toEqual(bare);
    }
  }
}

const folders = [ours, ...(existsSync(shared) ? [shared] : [])];
for (const folder of folders) {
  const own = new Set(entriesOf(ours).map(({ name }) => name));
  const entries = entriesOf(folder).filter(({ name }) => folder === ours || !own.has(name));
  describe(folder === ours ? "captures of this project" : "captures of others", () => {
    for (const entry of entries) {
      test(`${entry.name} decodes as expected`, () => checkDecoding(folder, entry));
      test(`${entry.name} encodes to the same octets again`, () => checkEncoding(folder, entry));
    }
  });
}

test("all captures of this project are here", () => {
  expect(entriesOf(ours)).toHaveLength(37);
});
