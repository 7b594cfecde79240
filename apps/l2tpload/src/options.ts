/** The command line's words, and what they mean for a run. */
import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { AUTH_METHODS, type AuthMethod } from "@l2tp/ppp";
import type { SocketAddress } from "@l2tp/protocol";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "./errors.ts";
import { unknownPlace } from "./pattern.ts";
import type { Plan, PppPlan, Teardown } from "./plan.ts";
import type { IoMethod } from "./share.ts";
import { sources } from "./sources.ts";

/** What commander gives, by the options' names. */
export interface Words {
  readonly tunnels: number;
  readonly sessions: number;
  readonly tunnelRate: number;
  readonly sessionRate: number;
  readonly tunnelsAtOnce: number;
  readonly sessionsAtOnce: number;
  readonly mixed: boolean;
  readonly secret?: string;
  readonly secretFile?: string;
  readonly hide: boolean;
  readonly hostName: string;
  readonly calledNumber?: string;
  readonly callingNumber?: string;
  readonly hello: number;
  readonly window: number;
  readonly retryTime: number;
  readonly retries: number;
  readonly setUpTime: number;
  readonly hold: number;
  readonly churn: number;
  readonly duration?: number;
  readonly teardown: Teardown;
  readonly grace: number;
  readonly source?: string;
  readonly ports: number;
  readonly sourcePort: number;
  readonly ppp: boolean;
  readonly user: string;
  readonly password: string;
  readonly passwordFile?: string;
  readonly auth: readonly AuthMethod[];
  readonly mru: number;
  readonly echo: number;
  readonly restartTime: number;
  readonly ipv6: boolean;
  readonly ping: boolean;
  readonly pingAddress?: string;
  readonly threads: number;
  readonly io: "auto" | IoMethod;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly yesIMay: boolean;
}

/** Without a word about it a run ends after so long, holding apart. */
const DURATION_MS = 60_000;

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} was expected`);
  };
}

function rate(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 1e6) return value;
  throw new InvalidArgumentError("a number per second, above 0 and at most 1000000, was expected");
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `10`, `500ms`, `2m`: seconds where no unit is given. @returns milliseconds. */
function duration(text: string): number {
  const [, value, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Number(value) * UNITS[unit as keyof typeof UNITS];
  if (value !== undefined && ms <= 7 * 24 * UNITS.h) return ms;
  throw new InvalidArgumentError("a time such as 10, 500ms, 2m or 1h was expected, at most a week");
}

function methods(text: string): readonly AuthMethod[] {
  const names = text.split(",");
  const bad = names.find((name) => !(AUTH_METHODS as readonly string[]).includes(name));
  if (bad === undefined) return names as AuthMethod[];
  throw new InvalidArgumentError(`${bad} is none of ${AUTH_METHODS.join(", ")}`);
}

/** Adds all options to a command. */
export function addOptions(command: Command): Command {
  const long = whole(0, 1_000_000);
  return command
    .optionsGroup("What to bring up:")
    .addOption(new Option("-t, --tunnels <n>", "tunnels").argParser(whole(1, 60_000)).default(10))
    .addOption(
      new Option("-s, --sessions <n>", "sessions on each tunnel").argParser(whole(0, 60_000)).default(10),
    )
    .option("--mixed", "begin a tunnel's sessions when it is up, not when all tunnels are", false)
    .optionsGroup("How fast:")
    .addOption(
      new Option(
        "--tunnel-rate <n>",
        "begin n tunnels a second, whatever the peer does (open loop)",
      ).argParser(rate),
    )
    .addOption(new Option("--session-rate <n>", "begin n sessions a second").argParser(rate))
    .addOption(
      new Option("--tunnels-at-once <n>", "tunnels under way at most")
        .argParser(whole(1, 60_000))
        .default(32),
    )
    .addOption(
      new Option("--sessions-at-once <n>", "sessions under way at most").argParser(long).default(256),
    )
    .optionsGroup("How long:")
    .addOption(new Option("--hold <time>", "keep all up for so long").argParser(duration).default(0))
    .addOption(
      new Option("--churn <n>", "meanwhile end n sessions a second and make them anew").argParser(rate),
    )
    .addOption(
      new Option("--duration <time>", "end after this, whatever is up (default: 60 s and --hold)").argParser(
        duration,
      ),
    )
    .addOption(
      new Option("--set-up-time <time>", "a set-up fails after this")
        .argParser(duration)
        .default(30_000, "30 s"),
    )
    .addOption(
      new Option("--teardown <how>", "end with CDN for each session and StopCCN, with StopCCN, or silently")
        .choices(["sessions", "tunnels", "none"])
        .default("tunnels"),
    )
    .addOption(
      new Option("--grace <time>", "wait so long for acknowledgements of StopCCN")
        .argParser(duration)
        .default(5_000, "5 s"),
    )
    .optionsGroup("Tunnels and calls:")
    .option("--secret <text>", "tunnel secret: the peer is challenged, and its challenge answered")
    .option("--secret-file <file>", "the same, from the first line of a file")
    .option("--hide", "hide AVPs (RFC 2661 §4.3); needs a secret", false)
    .option("--host-name <pattern>", "Host Name", "lac{tunnel}")
    .option("--called-number <pattern>", "Called Number of each call")
    .option("--calling-number <pattern>", "Calling Number of each call")
    .addOption(
      new Option("--hello <time>", "Hello after so much silence; 0: never")
        .argParser(duration)
        .default(60_000, "60 s"),
    )
    .addOption(
      new Option("--window <n>", "Receive Window Size, and messages sent ahead")
        .argParser(whole(1, 32_768))
        .default(16),
    )
    .addOption(
      new Option("--retry-time <time>", "wait before the first retransmission; it doubles")
        .argParser(duration)
        .default(1_000, "1 s"),
    )
    .addOption(
      new Option("--retries <n>", "retransmissions before a tunnel is lost")
        .argParser(whole(0, 100))
        .default(5),
    )
    .optionsGroup("Our addresses:")
    .option("--source <list>", "addresses to send from, such as 127.0.0.2-127.0.0.50")
    .addOption(new Option("--ports <n>", "UDP ports on each").argParser(whole(1, 1_024)).default(1))
    .addOption(
      new Option("--source-port <n>", "the first of them; 0: any").argParser(whole(0, 65_535)).default(0),
    )
    .optionsGroup("PPP in the sessions:")
    .option("--ppp", "whole sessions: LCP, authentication, IPCP", false)
    .option("--user <pattern>", "name of the user", "test")
    .option("--password <pattern>", "password", "test")
    .option("--password-file <file>", "the same, from the first line of a file")
    .addOption(
      new Option("--auth <list>", "methods that are taken")
        .argParser(methods)
        .default(AUTH_METHODS, AUTH_METHODS.join(",")),
    )
    .addOption(new Option("--mru <octets>", "MRU to ask for").argParser(whole(128, 1_600)).default(1_460))
    .addOption(
      new Option("--echo <time>", "LCP Echo-Request of our own after so much silence; 0: none")
        .argParser(duration)
        .default(0),
    )
    .addOption(
      new Option("--restart-time <time>", "PPP asks again after this")
        .argParser(duration)
        .default(3_000, "3 s"),
    )
    .option("--ipv6", "IPV6CP, too", false)
    .option("--ping", "ping the peer through each session", false)
    .option("--ping-address <address>", "ping this address instead")
    .optionsGroup("This program:")
    .addOption(new Option("--threads <n>", "threads that make the load").argParser(whole(1, 64)).default(1))
    .addOption(
      new Option("--io <method>", "batched system calls (Linux), or Node's sockets")
        .choices(["auto", "batch", "node"])
        .default("auto"),
    )
    .option("--json", "print the result as one JSON object", false)
    .option("-q, --quiet", "no progress while it runs", false)
    .option("--yes-i-may", "load a target that is neither loopback nor private", false);
}

/** @throws UsageError */
function firstLine(file: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "not allowed to read it" : message;
    throw new UsageError(`--${what} ${file}: ${why}`);
  }
  return text.split(/\r?\n/, 1)[0] ?? "";
}

/** The plan of a whole run. @throws UsageError for words that contradict each other. */
export function planOf(words: Words, target: SocketAddress): Plan {
  const secret = words.secretFile === undefined ? words.secret : firstLine(words.secretFile, "secret-file");
  if (secret === "") throw new UsageError("the secret is empty: it would prove nothing");
  if (words.hide && secret === undefined)
    throw new UsageError("--hide needs --secret: AVPs are hidden with it");
  if (words.churn !== undefined && words.hold === 0)
    throw new UsageError("--churn needs --hold: sessions come and go while all are held");
  for (const [option, text] of [
    ["host-name", words.hostName],
    ["called-number", words.calledNumber],
    ["calling-number", words.callingNumber],
    ["user", words.user],
  ] as const) {
    const unknown = text === undefined ? undefined : unknownPlace(text);
    if (unknown !== undefined)
      throw new UsageError(
        `--${option} ${text}: there is no ${unknown}, but {tunnel}, {session}, {n} and {n:5}`,
      );
  }
  const ppp = pppOf(words);
  return {
    target,
    sources: sources(words.source, target.family, words.ports, words.sourcePort),
    tunnels: words.tunnels,
    sessionsPerTunnel: words.sessions,
    firstTunnel: 0,
    tunnelRate: words.tunnelRate ?? 0,
    sessionRate: words.sessionRate ?? 0,
    tunnelsAtOnce: words.tunnelsAtOnce,
    sessionsAtOnce: Math.max(1, words.sessionsAtOnce),
    mixed: words.mixed,
    hostName: words.hostName,
    calledNumber: words.calledNumber,
    callingNumber: words.callingNumber,
    secret,
    hiding: words.hide,
    helloMs: words.hello,
    windowSize: words.window,
    retryMs: words.retryTime,
    maxRetries: words.retries,
    setUpMs: words.setUpTime,
    holdMs: words.hold,
    churnRate: words.churn ?? 0,
    durationMs: words.duration ?? DURATION_MS + words.hold,
    teardown: words.teardown,
    graceMs: words.grace,
    ppp,
  };
}

function pppOf(words: Words): PppPlan | undefined {
  const { auth, echo, ipv6, mru, password, passwordFile, ping, pingAddress, restartTime, user } = words;
  if (!words.ppp) {
    if (ping || pingAddress !== undefined) throw new UsageError("--ping needs --ppp: packets travel in PPP");
    return undefined;
  }
  if (pingAddress !== undefined && !isIPv4(pingAddress)) {
    throw new UsageError(`--ping-address ${pingAddress}: an IPv4 address was expected`);
  }
  return {
    user,
    password: passwordFile === undefined ? password : firstLine(passwordFile, "password-file"),
    methods: auth,
    mru,
    echoMs: echo,
    restartMs: restartTime,
    ipv6,
    ping: pingAddress ?? (ping ? "peer" : undefined),
  };
}
