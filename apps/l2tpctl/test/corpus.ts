/**
 * The captures that the tests walk: those in the codec's tests, and beside the repository an optional folder
 * with more, whose licences do not allow a copy.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./harness.ts";

/** One capture with what has to come out of it. */
export interface CaptureCase {
  readonly name: string;
  readonly file: string;
  /** What the wire does not say, as options of `l2tpctl decode`. */
  readonly options: readonly string[];
  readonly packets: readonly Record<string, unknown>[];
}

/** One datagram, most of them broken, with what a receiver has to do. */
export interface DatagramCase {
  readonly name: string;
  readonly transport: "udp" | "ip";
  readonly hex: string;
  readonly expectation: string;
  readonly secret?: string | null;
  readonly authentication?: boolean;
  readonly pad?: { readonly byte: string; readonly count: number };
  readonly session?: { readonly cookieHex: string; readonly l2Specific: "none" | "default" };
}

const COPIES = join(REPOSITORY, "packages/protocol/test/captures");
const SHARED = join(REPOSITORY, "../shared/captures");

interface IndexEntry {
  readonly name: string;
  readonly file: string;
  readonly expected: string;
  readonly secret?: string;
  readonly decodeOptions: { cookieSize?: number; l2Specific?: string; udpPort?: number };
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

function optionsOf({ decodeOptions, secret }: IndexEntry): string[] {
  const options: string[] = [];
  if (decodeOptions.cookieSize !== undefined) options.push("--cookie", String(decodeOptions.cookieSize));
  if (decodeOptions.l2Specific !== undefined) options.push("--l2spec", decodeOptions.l2Specific);
  if (decodeOptions.udpPort !== undefined) options.push("--port", String(decodeOptions.udpPort));
  if (secret !== undefined) options.push("--secret", secret);
  return options;
}

function capturesIn(folder: string): CaptureCase[] {
  if (!existsSync(join(folder, "index.json"))) return [];
  const { captures } = json(join(folder, "index.json")) as { captures: IndexEntry[] };
  return captures
    .filter((entry) => existsSync(join(folder, entry.file)))
    .map((entry) => ({
      name: entry.name,
      file: join(folder, entry.file),
      options: optionsOf(entry),
      packets: (json(join(folder, entry.expected)) as { packets: Record<string, unknown>[] }).packets,
    }));
}

/** Every capture at hand, each once. */
export function captures(): CaptureCase[] {
  const copies = capturesIn(COPIES);
  const names = new Set(copies.map(({ name }) => name));
  return [...copies, ...capturesIn(SHARED).filter(({ name }) => !names.has(name))];
}

/** The capture of that name among the copies. */
export function capture(name: string): CaptureCase {
  const found = captures().find((one) => one.name === name);
  if (found === undefined) throw new Error(`no capture ${name} in ${COPIES}`);
  return found;
}

/** The datagrams of malformed.json. */
export function datagrams(): DatagramCase[] {
  const folder = [COPIES, SHARED].find((one) => existsSync(join(one, "malformed.json")));
  if (folder === undefined) throw new Error(`no malformed.json in ${COPIES}`);
  return (json(join(folder, "malformed.json")) as { cases: DatagramCase[] }).cases;
}

/** The whole datagram in hex. */
export function hexOf({ hex, pad }: DatagramCase): string {
  return pad === undefined ? hex : hex + pad.byte.repeat(pad.count);
}
