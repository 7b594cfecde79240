/** `[profile.tunnel.NAME]` and `[profile.session.NAME]`, with what they inherit; those of PPP are in ppp.ts. */
import { readSpeed } from "./call.ts";
import { PPP_KEYS } from "./keys/ppp.ts";
import { SESSION_PROFILE_KEYS } from "./keys/session.ts";
import { TUNNEL_PROFILE_KEYS } from "./keys/tunnel.ts";
import { Ledger } from "./origins.ts";
import { readPppProfile } from "./ppp.ts";
import { DEFAULT_PROFILE, ProfileBook } from "./profiles.ts";
import type { Report } from "./report.ts";
import { readInterface, readMtu, readPppd, readSequencing } from "./session-parts.ts";
import type { SessionReading, SessionValues } from "./session-reading.ts";
import { isTable, type NamedTable, namedTables, type RawTable } from "./table.ts";
import { readDial, readTransport, readTunnelSettings, type Surroundings } from "./tunnel-settings.ts";
import type {
  DaemonConfig,
  DefaultsProfile,
  ProfilesConfig,
  SessionProfileConfig,
  TunnelProfileConfig,
} from "./types.ts";

/** The books of all profiles. */
export interface ProfileBooks {
  readonly tunnel: ProfileBook<typeof TUNNEL_PROFILE_KEYS>;
  readonly session: ProfileBook<typeof SESSION_PROFILE_KEYS>;
  readonly ppp: ProfileBook<typeof PPP_KEYS>;
}

const KINDS = ["tunnel", "session", "ppp"] as const;

/** Opens the books: each table is read for itself. */
export function readProfileBooks(report: Report, value: unknown): ProfileBooks {
  if (value !== undefined && !isTable(value)) {
    const expected = "[profile.tunnel.NAME], [profile.session.NAME] or [profile.ppp.NAME]";
    report.error({ code: "structure", path: ["profile"], part: "key", reason: "this is a table", expected });
  }
  const all: RawTable = isTable(value) ? value : {};
  for (const kind of Object.keys(all)) {
    if ((KINDS as readonly string[]).includes(kind)) continue;
    report.error({
      code: "unknown-key",
      path: ["profile", kind],
      part: "key",
      reason: "there are no such profiles",
      expected: "[profile.tunnel.NAME], [profile.session.NAME] or [profile.ppp.NAME]",
    });
  }
  const tables = (kind: (typeof KINDS)[number]): NamedTable[] =>
    namedTables(report, ["profile", kind], all[kind], `[profile.${kind}.NAME]`, "profile");
  return {
    tunnel: new ProfileBook(report, "tunnel", tables("tunnel"), TUNNEL_PROFILE_KEYS),
    session: new ProfileBook(report, "session", tables("session"), SESSION_PROFILE_KEYS),
    ppp: new ProfileBook(report, "ppp", tables("ppp"), PPP_KEYS),
  };
}

/** What the profiles come to. */
export function readProfiles(
  report: Report,
  books: ProfileBooks,
  profile: DefaultsProfile,
  daemon: DaemonConfig,
): ProfilesConfig {
  return {
    tunnel: books.tunnel.names.map((name) => tunnelProfile(report, name, books, profile, daemon)),
    session: books.session.names.map((name) => sessionProfile(report, name, books, profile)),
    ppp: books.ppp.names.map((name) => readPppProfile(report, name, books.ppp)),
  };
}

function tunnelProfile(
  report: Report,
  name: string,
  books: ProfileBooks,
  profile: DefaultsProfile,
  daemon: DaemonConfig,
): TunnelProfileConfig {
  const book = books.tunnel;
  const own = book.own(name);
  const ledger = new Ledger(own, book.inherited(name));
  const path = book.path(name);
  const surroundings: Surroundings = { report, path, profile, daemon };
  const settings = readTunnelSettings(surroundings, ledger, readTransport(surroundings, ledger, 2, own));
  if (own.session_profile !== undefined) {
    books.session.refer([...path, "session_profile"], own.session_profile);
  }
  if (own.ppp_profile !== undefined) books.ppp.refer([...path, "ppp_profile"], own.ppp_profile);
  return {
    name,
    settings,
    udpChecksum: ledger.take("udp_checksum", true),
    dial: readDial(surroundings, ledger),
    sessionProfile: ledger.take("session_profile", DEFAULT_PROFILE),
    pppProfile: ledger.take("ppp_profile", DEFAULT_PROFILE),
    origins: ledger.origins,
  };
}

function sessionProfile(
  report: Report,
  name: string,
  books: ProfileBooks,
  profile: DefaultsProfile,
): SessionProfileConfig {
  const book = books.session;
  const own = book.own(name);
  const path = book.path(name);
  // A profile's keys are some of a session's, and are read as those of one of L2TPv2.
  const ledger = new Ledger<SessionValues>(own, book.inherited(name));
  const reading: SessionReading = {
    report,
    path,
    tunnel: { version: 2, mode: "dynamic", profile },
    table: { values: own, present: new Set(Object.keys(own)) },
    ledger,
    pseudowire: "ppp",
  };
  if (own.ppp_profile !== undefined) books.ppp.refer([...path, "ppp_profile"], own.ppp_profile);
  const { sendSequence, receiveSequence, reorderMs } = readSequencing(reading);
  const link = readInterface(reading);
  if (own.interface_name !== undefined && !own.interface_name.includes("%d")) {
    report.warn({
      code: "conflict",
      path: [...path, "interface_name"],
      reason: "the second session of this profile could not have this name too",
      remedy: "Let the system number them: ppp%d.",
    });
  }
  return {
    name,
    sendSequence,
    receiveSequence,
    reorderMs,
    interface: link,
    mtu: readMtu(reading),
    ...readPppd(reading),
    ...ledger.optional("ppp_profile", "pppProfile"),
    ...readSpeed(ledger),
    origins: ledger.origins,
  };
}
