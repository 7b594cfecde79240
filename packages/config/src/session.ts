/** One `[tunnel.NAME.session.NAME]`, with what its profiles say. */
import { readCall, readUser } from "./call.ts";
import type { Shape } from "./extensions.ts";
import type { PPP_KEYS } from "./keys/ppp.ts";
import { SESSION_KEYS, type SESSION_PROFILE_KEYS } from "./keys/session.ts";
import { Ledger } from "./origins.ts";
import { readPppProfile } from "./ppp.ts";
import type { ProfileBook } from "./profiles.ts";
import { Report } from "./report.ts";
import {
  readCookies,
  readIds,
  readInterface,
  readMtu,
  readPppd,
  readPppoe,
  readSequencing,
} from "./session-parts.ts";
import { conflict, ignoreUnless, type SessionReading, type SessionValues } from "./session-reading.ts";
import { type RawTable, readTable } from "./table.ts";
import type { TunnelFacts } from "./tunnel.ts";
import type {
  ConfiguredSessionConfig,
  DynamicSessionConfig,
  PppProfileConfig,
  PppUserConfig,
} from "./types.ts";

/** A session, configured or dynamic; the IDs are there unless the report has failed. */
export type SessionDraft = (
  | Omit<ConfiguredSessionConfig, "sessionId" | "peerSessionId">
  | Omit<DynamicSessionConfig, "sessionId">
) & { readonly sessionId?: number; readonly peerSessionId?: number };

/** Where a session finds what its tables leave out. */
export interface SessionContext {
  readonly report: Report;
  readonly sessionProfiles: ProfileBook<typeof SESSION_PROFILE_KEYS>;
  readonly pppProfiles: ProfileBook<typeof PPP_KEYS>;
  /** The document has callers, too. */
  readonly listens: boolean;
}

/** Reads a session. */
export function readSession(
  { report, sessionProfiles, pppProfiles, listens }: SessionContext,
  name: string,
  raw: RawTable,
  tunnel: TunnelFacts,
  extension: Shape | undefined,
): SessionDraft {
  const path = [...tunnel.path, "session", name];
  const table = readTable(report, path, raw, {
    keys: SESSION_KEYS,
    extension,
    children: [],
    title: "[tunnel.NAME.session.NAME]",
  });
  const profile = table.values.profile ?? tunnel.sessionProfile;
  if (table.values.profile !== undefined) sessionProfiles.refer([...path, "profile"], profile);
  const ledger = new Ledger<SessionValues>(table.values, sessionProfiles.values(profile));
  const pseudowire = ledger.take("pseudowire", tunnel.version === 2 ? "ppp" : "eth", "derived");
  const context: SessionReading = { report, path, tunnel, table, ledger, pseudowire };
  if (tunnel.version === 2 && pseudowire === "eth") {
    conflict(
      context,
      "pseudowire",
      "L2TPv2 carries PPP only",
      'Take version = "l2tpv3" or pseudowire = "ppp".',
    );
  }
  const pppoe = readPppoe(context);
  const pppd = readPppd(context);
  if (pseudowire !== "ppp") ignoreUnless(context, "ppp", ["pppd_args", "pppd_options"]);
  const common = {
    name,
    pseudowire,
    ...readIds(context),
    ...readCookies(context),
    ...readSequencing(context),
    interface: readInterface(context),
    mtu: readMtu(context),
    ...(pppoe && { pppoe }),
    ...pppd,
    extensions: table.extensions,
    origins: ledger.origins,
  };
  if (tunnel.mode !== "dynamic") {
    warnOfDynamic(context);
    return common;
  }
  const pppProfile = ledger.take("ppp_profile", tunnel.pppProfile);
  if (table.values.ppp_profile !== undefined) pppProfiles.refer([...path, "ppp_profile"], pppProfile);
  const call = readCall(context);
  const byPppd = pppd.pppdArgs !== undefined || pppd.pppdOptions !== undefined;
  const user = readUser(context, byPppd);
  const ofCallers = listens && call.kind === "incoming";
  const ppp =
    pseudowire === "ppp" && !byPppd
      ? pppOf(pppProfiles, pppProfile, { isOurs: call.kind === "incoming", ofCallers }, user)
      : undefined;
  return { ...common, profile, call, ...(ppp && { ppp }), ...(user && { user }) };
}

/**
 * How our own PPP runs a session of ours. Who takes our calls need not say who it is, unless the profile says so; and
 * where the document has callers, it is for them that `default` says whom to ask, and which addresses to give.
 */
function pppOf(
  book: ProfileBook<typeof PPP_KEYS>,
  name: string,
  { isOurs, ofCallers }: { readonly isOurs: boolean; readonly ofCallers: boolean },
  user: PppUserConfig | undefined,
): PppProfileConfig {
  // What is wrong with the profile is told when it is read for itself.
  const { pool, ...profile } = readPppProfile(new Report(), name, book);
  const { authenticatePeer, ...options } = profile.options;
  const asked = !isOurs || (ofCallers ? book.saysApart(name, "auth") : profile.origins["auth"] !== "default");
  const gives = !ofCallers || book.saysApart(name, "pool");
  return {
    ...profile,
    options: { ...options, ...(asked && authenticatePeer && { authenticatePeer }) },
    ...(gives && pool !== undefined && { pool }),
    ...(user && { user }),
  };
}

/** Keys of sessions that are negotiated. */
const NEGOTIATED = [
  "ppp_profile",
  "call",
  "called_number",
  "calling_number",
  "sub_address",
  "physical_channel",
  "private_group",
  "minimum_bps",
  "maximum_bps",
  "user",
  "password",
  "password_file",
  "tx_connect_speed",
  "rx_connect_speed",
  "framing_type",
  "bearer_type",
] as const;

function warnOfDynamic({ report, path, table, tunnel }: SessionReading): void {
  for (const name of NEGOTIATED) {
    if (!table.present.has(name)) continue;
    report.warn({
      code: "ignored",
      path: [...path, name],
      part: "key",
      reason: `ignored: it is for sessions of dynamic tunnels, and this one is ${tunnel.mode}`,
    });
  }
}
