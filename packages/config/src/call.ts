/** What a session of ours says of itself in its call, and who we are in its PPP. */
import type { SESSION_KEYS } from "./keys/session.ts";
import type { Ledger } from "./origins.ts";
import { userOf } from "./ppp-user.ts";
import { secretAt } from "./secrets.ts";
import type { SessionReading } from "./session-reading.ts";
import type { Values } from "./table.ts";
import { BEARER_BITS, FRAMING_BITS } from "./tunnel-settings.ts";
import type { CallConfig, PppUserConfig } from "./types.ts";

type SessionValues = Values<typeof SESSION_KEYS>;

/** 1 Gbit/s: nobody measures a call that is a computer's. */
const USUAL_SPEED = 1_000_000_000;
const ANY_FRAMING = FRAMING_BITS.sync | FRAMING_BITS.async;
const ANY_BEARER = BEARER_BITS.digital | BEARER_BITS.analog;

/** Speed and framing of a call that comes in here, or that we placed. */
export function readSpeed(ledger: Ledger<SessionValues>): {
  readonly txConnectSpeedBps: number;
  readonly rxConnectSpeedBps?: number;
  readonly framingType: number;
} {
  const framing = ledger.take("framing_type", "sync");
  return {
    txConnectSpeedBps: ledger.take("tx_connect_speed", USUAL_SPEED),
    ...ledger.optional("rx_connect_speed", "rxConnectSpeedBps"),
    framingType: framing === "any" ? ANY_FRAMING : FRAMING_BITS[framing],
  };
}

/** Keys that one kind of calls only has. */
const ONLY_INCOMING = [
  "calling_number",
  "physical_channel",
  "private_group",
  "tx_connect_speed",
  "rx_connect_speed",
] as const;
const ONLY_OUTGOING = ["minimum_bps", "maximum_bps"] as const;

/** The call of a session. */
export function readCall(reading: SessionReading): CallConfig {
  const { report, path, table, ledger } = reading;
  const kind = ledger.take("call", "incoming");
  for (const name of kind === "incoming" ? ONLY_OUTGOING : ONLY_INCOMING) {
    if (!table.present.has(name)) continue;
    const reason = `ignored: an ${kind} call does not say it`;
    report.warn({ code: "ignored", path: [...path, name], part: "key", reason });
  }
  return kind === "incoming" ? incoming(reading) : outgoing(reading);
}

function incoming({ report, path, ledger }: SessionReading): CallConfig {
  const bearer = ledger.take("bearer_type", undefined);
  const group = ledger.take("private_group", undefined);
  if (ledger.take("framing_type", "sync") === "any") {
    report.error({
      code: "conflict",
      path: [...path, "framing_type"],
      reason: '"any" is for outgoing calls: one that has come in has a framing (RFC 2661 §4.4.4)',
      expected: '"sync" or "async"',
    });
  }
  return {
    kind: "incoming",
    request: {
      ...ledger.optional("called_number", "calledNumber"),
      ...ledger.optional("calling_number", "callingNumber"),
      ...ledger.optional("sub_address", "subAddress"),
      ...(bearer !== undefined && { bearerType: bearer === "any" ? ANY_BEARER : BEARER_BITS[bearer] }),
      ...ledger.optional("physical_channel", "physicalChannelId"),
    },
    connected: {
      ...readSpeed(ledger),
      ...(group !== undefined && { privateGroupId: new TextEncoder().encode(group) }),
      // The LAC says that it wants sequence numbers in all data messages (RFC 2661 §4.4.6).
      ...(ledger.take("seqnum_required", ledger.take("seqnum", false), "derived") && {
        sequencingRequired: true as const,
      }),
    },
  };
}

function outgoing({ report, path, ledger }: SessionReading): CallConfig {
  const calledNumber = ledger.take("called_number", "");
  if (calledNumber === "") {
    report.error({
      code: "missing-key",
      path: [...path, "called_number"],
      reason: "missing: an outgoing call needs the number that the peer is to call",
      expected: "a string",
    });
  }
  const framing = ledger.take("framing_type", "any");
  const bearer = ledger.take("bearer_type", "any");
  const minimumBps = ledger.take("minimum_bps", 0);
  const maximumBps = ledger.take("maximum_bps", 0xffff_ffff);
  if (minimumBps > maximumBps) {
    const reason = `${maximumBps} is less than minimum_bps = ${minimumBps}`;
    report.error({ code: "conflict", path: [...path, "maximum_bps"], reason });
  }
  return {
    kind: "outgoing",
    request: {
      calledNumber,
      ...ledger.optional("sub_address", "subAddress"),
      bearerType: bearer === "any" ? ANY_BEARER : BEARER_BITS[bearer],
      framingType: framing === "any" ? ANY_FRAMING : FRAMING_BITS[framing],
      minimumBps,
      maximumBps,
    },
  };
}

/** Who we are for the peer's PPP. */
export function readUser(
  { report, path, ledger, pseudowire }: SessionReading,
  byPppd: boolean,
): PppUserConfig | undefined {
  const isOurs = !byPppd && pseudowire === "ppp";
  if (isOurs) return userOf({ report, path, ledger });
  const name = ledger.take("user", undefined);
  secretAt(report, path, ledger, "password");
  if (name !== undefined) {
    report.warn({
      code: "ignored",
      path: [...path, "user"],
      part: "key",
      reason: byPppd ? "ignored: pppd runs this session" : `ignored: "${pseudowire}" has no PPP of ours`,
      ...(byPppd && { remedy: "Give pppd its options user and password." }),
    });
  }
  return undefined;
}
