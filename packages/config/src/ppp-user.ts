/** Who we are for a peer that wants to know, in PPP: of a profile, and of a session that we open. */
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import { type SecretLedger, secretAt } from "./secrets.ts";
import type { PppUserConfig } from "./types.ts";

/** Where `user`, `password` and `password_file` are read. */
export interface UserReading {
  readonly report: Report;
  readonly path: KeyPath;
  readonly ledger: SecretLedger;
}

/** Both or neither: a name without a password proves nothing. */
export function userOf({ report, path, ledger }: UserReading): Required<PppUserConfig> | undefined {
  const name = ledger.take("user", undefined);
  const password = secretAt(report, path, ledger, "password");
  if (typeof name !== "string") {
    if (password !== undefined) {
      report.error({
        code: "missing-key",
        path: [...path, "user"],
        reason: "missing: there is a password, and no name that it belongs to",
        expected: "a string that is not empty",
      });
    }
    return undefined;
  }
  if (password !== undefined) return { name, password };
  report.error({
    code: "missing-key",
    path: [...path, "password"],
    reason: `missing: without it ${JSON.stringify(name)} cannot prove anything`,
    remedy: "Write password or password_file.",
  });
  return undefined;
}
