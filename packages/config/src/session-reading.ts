/** What the readers of a session's keys share. */
import { expectation } from "./keys/declare.ts";
import { SESSION_KEYS } from "./keys/session.ts";
import type { Ledger } from "./origins.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import type { ReadTable, Values } from "./table.ts";
import type { TunnelFacts } from "./tunnel.ts";

export type SessionKeys = typeof SESSION_KEYS;
export type SessionValues = Values<SessionKeys>;

/** What the reading of one session works on. */
export interface SessionReading {
  readonly report: Report;
  readonly path: KeyPath;
  readonly tunnel: Pick<TunnelFacts, "version" | "mode" | "profile">;
  readonly table: Pick<ReadTable<SessionKeys>, "values" | "present">;
  readonly ledger: Ledger<SessionValues>;
  readonly pseudowire: "eth" | "ppp" | "pppac";
}

/** Name of a key. */
export type KeyName = keyof SessionKeys & string;

export function conflict(
  { report, path }: SessionReading,
  name: KeyName,
  reason: string,
  remedy?: string,
): void {
  report.error({ code: "conflict", path: [...path, name], reason, ...(remedy !== undefined && { remedy }) });
}

export function invalid(
  { report, path }: SessionReading,
  name: KeyName,
  reason: string,
  remedy?: string,
): void {
  const expected = expectation(SESSION_KEYS[name]);
  report.error({
    code: "invalid-value",
    path: [...path, name],
    reason,
    expected,
    ...(remedy !== undefined && { remedy }),
  });
}

export function ignoreUnless(
  { report, path, table, pseudowire }: SessionReading,
  wanted: string,
  names: readonly KeyName[],
): void {
  for (const name of names) {
    if (!table.present.has(name)) continue;
    report.warn({
      code: "ignored",
      path: [...path, name],
      part: "key",
      reason: `ignored: it is for pseudowire = "${wanted}", and this is "${pseudowire}"`,
    });
  }
}
