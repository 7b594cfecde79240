/**
 * `l2tpctl decode`: its options, what people get wrong about them, and which way of reading they ask for.
 */
import { createReadStream, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { Command, InvalidArgumentError, Option } from "commander";
import { EXIT, UsageError, whyUnreadable } from "../errors.ts";
import { type Io, resolveInput } from "../io.ts";
import type { LineOutput } from "../output.ts";
import { decodeCapture } from "./capture.ts";
import { decodeHex } from "./hex.ts";
import type { DecodeOptions } from "./options.ts";

/** The port of L2TP over UDP (RFC 2661 §8.1). */
const L2TP_PORT = 1701;
/** Octets read from a file at a time. */
const READ_OCTETS = 256 * 1024;

/** What commander makes of the command line. */
interface Flags {
  readonly json?: true;
  readonly verbose?: true;
  readonly port?: number[];
  readonly cookie?: string;
  readonly l2spec?: string;
  readonly secret?: string;
  readonly secretFile?: string;
  readonly authentication: boolean;
  readonly hex?: true;
  readonly encap?: string;
}

/** @param end - called with the exit code when decoding is through. */
export function decodeCommand(io: Io, output: LineOutput, end: (code: number) => void): Command {
  return new Command("decode")
    .summary("print the L2TP packets of a capture, or datagrams given in hex")
    .description(
      "Prints the L2TP packets of a pcap or pcapng file: L2TPv2 and L2TPv3, over UDP and directly over IP.\n" +
        "VLAN tags are seen through and IP fragments put together; other frames are passed over.",
    )
    .argument("[file]", "the capture, or - for standard input")
    .optionsGroup("How to print:")
    .option("-v, --verbose", "every AVP on a line of its own")
    .option("--json", "one JSON object per packet and line")
    .optionsGroup("What to look at:")
    .addOption(
      new Option("--port <n>", "UDP port of L2TP, in place of 1701; may be repeated").argParser(parsePort),
    )
    .option("--hex", "read one datagram in hex per line instead of a capture; prints JSON")
    .addOption(new Option("--encap <how>", "how the datagrams of --hex travelled").choices(["udp", "ip"]))
    .optionsGroup("What the wire does not say:")
    .addOption(new Option("--cookie <octets>", "size of the cookie in L2TPv3 data").choices(["0", "4", "8"]))
    .addOption(
      new Option("--l2spec <kind>", "L2-specific sublayer in L2TPv3 data").choices(["none", "default"]),
    )
    .option("--secret <text>", "shared secret: opens hidden AVPs, checks challenge responses and digests")
    .option("--secret-file <file>", "the same, from a file's first line: others see a command's arguments")
    .option("--no-authentication", "with --hex: the secret opens hidden AVPs only, L2TPv3 needs no digest")
    .addHelpText("after", DECODE_HELP)
    .action(async (file: string | undefined, flags: Flags) => {
      const options = toOptions(file, flags, io);
      const input = open(options, io);
      const tally = options.hex
        ? await decodeHex(input, options, output)
        : await decodeCapture(input, options, io, output);
      end(tally.malformed > 0 ? EXIT.malformed : EXIT.ok);
    });
}

const DECODE_HELP = `
Examples:
  l2tpctl decode tunnel.pcap                     one line per packet
  l2tpctl decode -v --secret opensesame t.pcap   every AVP, hidden ones opened
  l2tpctl decode --json --cookie 4 --l2spec default t.pcapng | jq .header
  tcpdump -i eth0 -w - udp port 1701 | l2tpctl decode -
  echo c802000c0007000000010002 | l2tpctl decode --hex

In JSON, "malformed" is null or says what is wrong. With --hex it is null exactly for what a receiver takes; a
datagram that it refuses also has a member
  "rejection": {"reason", "offset", "text", "avp": {"vendor", "type"}, "answer"}
where offset counts octets from the start of the datagram, avp is the attribute to blame, if one is, and answer is
what the RFC asks for: "ignore" (drop it), "acknowledge" (the header counts, the content does not), or the message
to send: {"send": "StopCCN" or "CDN", "result", "error", "text"}. The member "line" is the line of the input.

Exit codes: 0 all was decoded, 1 something was malformed, 2 wrong usage or unreadable input.`;

function parsePort(text: string, before: number[] | undefined): number[] {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("a UDP port is a number from 1 to 65535.");
  return [...(before ?? []), port];
}

/** @throws {@link UsageError} for what does not go together. */
function toOptions(file: string | undefined, flags: Flags, io: Io): DecodeOptions {
  const hex = flags.hex === true;
  if (file === undefined && !hex) {
    throw new UsageError("decode: name a capture file, or - for standard input (see l2tpctl decode --help)");
  }
  if (flags.encap !== undefined && !hex) {
    throw new UsageError("decode: --encap goes with --hex; in a capture the packets say how they travelled");
  }
  if (hex && flags.port !== undefined) {
    throw new UsageError("decode: --port does not go with --hex, which has no ports");
  }
  if (hex && flags.verbose) {
    throw new UsageError("decode: --verbose does not go with --hex, which prints JSON");
  }
  if (flags.json && flags.verbose) throw new UsageError("decode: choose one of --json and --verbose");
  if (flags.secret !== undefined && flags.secretFile !== undefined) {
    throw new UsageError("decode: choose one of --secret and --secret-file");
  }
  if (!flags.authentication && !(hex && (flags.secret ?? flags.secretFile) !== undefined)) {
    throw new UsageError(
      "decode: --no-authentication goes with --hex and --secret; in a capture digests are only shown",
    );
  }
  return {
    file: file === "-" ? undefined : file,
    hex,
    encap: flags.encap === "ip" ? "ip" : "udp",
    ports: new Set(flags.port ?? [L2TP_PORT]),
    cookie: flags.cookie === undefined ? undefined : (Number(flags.cookie) as 0 | 4 | 8),
    l2spec: flags.l2spec as "none" | "default" | undefined,
    secret: secretOf(flags, io),
    authentication: flags.authentication,
    format: flags.json || hex ? "json" : flags.verbose ? "verbose" : "line",
  };
}

function secretOf(flags: Flags, io: Io): Uint8Array | undefined {
  if (flags.secret !== undefined) return new TextEncoder().encode(flags.secret);
  if (flags.secretFile === undefined) return undefined;
  try {
    const octets = readFileSync(resolveInput(flags.secretFile, io));
    const end = octets.indexOf(0x0a);
    const line = end === -1 ? octets : octets.subarray(0, end);
    return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  } catch (error) {
    throw unreadable(flags.secretFile, error);
  }
}

/** Opens the input, with an error for people when it cannot be read, now or later. */
function open(options: DecodeOptions, io: Io): AsyncIterable<Uint8Array> {
  if (options.file === undefined) {
    if (io.stdin.isTTY && !options.hex) {
      throw new UsageError("decode: standard input is a terminal; pipe a capture into it, or name a file");
    }
    return pieces(io.stdin, "standard input");
  }
  return pieces(
    createReadStream(resolveInput(options.file, io), { highWaterMark: READ_OCTETS }),
    options.file,
  );
}

async function* pieces(stream: Readable, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  return new UsageError(`cannot read ${name}: ${whyUnreadable(error)}`, { cause: error });
}
