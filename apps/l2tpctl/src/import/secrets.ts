/** l2tp-secrets(5): `us them secret`; and pppd's chap-secrets and pap-secrets: `client server secret addresses…`. */
import type { Notes, Place } from "./notes.ts";
import { wordLines } from "./words.ts";

/** A line of l2tp-secrets. */
export interface TunnelSecret {
  readonly us: string;
  readonly them: string;
  readonly secret: string;
  readonly place: Place;
}

export function parseL2tpSecrets(text: string, file: string, notes: Notes): TunnelSecret[] {
  const secrets: TunnelSecret[] = [];
  // xl2tpd takes a semicolon for a comment here too.
  for (const words of wordLines(text.replace(/^\s*;.*$/gm, ""), file)) {
    const [us, them, secret] = words.map((word) => word.text);
    const place = words[0]?.place ?? { file, line: 1 };
    if (us === undefined || them === undefined || secret === undefined || secret === "") {
      notes.leftOut(
        place,
        "a line of fewer than three words",
        "a secret is: our name, the peer's name, the secret",
      );
    } else secrets.push({ us, them, secret, place });
  }
  return secrets;
}

/** A line of chap-secrets or pap-secrets. */
export interface PppSecret {
  readonly client: string;
  readonly server: string;
  readonly secret: string;
  /** Empty: none is allowed; `*`: any. */
  readonly addresses: readonly string[];
  readonly place: Place;
}

export function parsePppSecrets(text: string, file: string, notes: Notes): PppSecret[] {
  const secrets: PppSecret[] = [];
  for (const words of wordLines(text, file)) {
    const [client, server, secret, ...rest] = words.map((word) => word.text);
    const place = words[0]?.place ?? { file, line: 1 };
    if (client === undefined || server === undefined || secret === undefined) {
      notes.leftOut(
        place,
        "a line of fewer than three words",
        "a secret is: client, server, secret, addresses",
      );
      continue;
    }
    const options = rest.indexOf("--");
    if (options >= 0)
      notes.leftOut(place, `options of ${client} after --`, "a user has no options of its own here");
    secrets.push({ client, server, secret, addresses: options < 0 ? rest : rest.slice(0, options), place });
  }
  return secrets;
}
