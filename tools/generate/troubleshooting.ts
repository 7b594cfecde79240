/**
 * The tables of docs/troubleshooting.md that follow from the code: causes with their remedies, and the codes of the RFC in
 * words. The prose of the page stands in it; only what is between `<!-- table: NAME -->` and `<!-- end of table -->` is
 * replaced.
 */
import { readFileSync } from "node:fs";
import { type Cause, REMEDIES } from "@l2tp/control";
import type { PlaneErrorCode } from "@l2tp/dataplane";
import { type DownCode, PPP_REMEDIES } from "@l2tp/ppp";
import { CDN_RESULTS_V2, GENERAL_ERRORS, STOPCCN_RESULTS_V2 } from "@l2tp/protocol";
import { remedyFor } from "../../packages/control/src/remedies.ts";
import { reason } from "../../packages/node/src/reason.ts";
import { reasonOf } from "../../packages/ppp/src/reasons.ts";

const PAGE = "docs/troubleshooting.md";

/** What happened, and what usually went over the wire: Result and Error Code of the message that ended it. */
const CAUSES: Readonly<Record<Cause, readonly [happened: string, wire: string]>> = {
  authentication: ["The secret of one end is not that of the other, or one end has none.", "StopCCN 4"],
  "no-response": ["Nobody acknowledged what we sent.", "none"],
  "hello-missed": ["It was up, and the peer does not acknowledge a Hello any more.", "none"],
  "peer-refused": ["The peer said no before it was up.", "StopCCN 2 or 4, CDN 2, 3, 4 or 5"],
  refused: ["We said no to a caller or a call; the line before says which rule.", "StopCCN 4, CDN 3"],
  "try-another": ["The peer is full, is being emptied, or sends us to another.", "StopCCN 2/7, CDN 2/4"],
  limit: ["A limit of ours; the text names it.", "StopCCN 2/4, CDN 4"],
  "set-up-timeout": [
    "Not up within `tunnel_setup_timeout` or `session_setup_timeout`.",
    "StopCCN 1, CDN 4 or 10",
  ],
  undecided: ["Nobody decided in time about the caller or the call.", "StopCCN 2/4, CDN 4"],
  "protocol-error": ["Messages that the RFC does not allow.", "StopCCN 2 or 7, CDN 2"],
  "data-plane": [
    "The kernel, or our own data plane, could not make tunnel or session.",
    "StopCCN 2/4, CDN 2/4",
  ],
  bearer: ["The call itself ended.", "CDN 1, 6 to 11"],
  "peer-close": ["The peer ended what was up.", "StopCCN 1 or 6, CDN 3"],
  "tunnel-ended": ["A session whose tunnel ended (`tunnel-down` in the log).", "none of its own"],
  "tie-breaker": ["Both ends dialled at once, and one tunnel is left.", "none"],
  "local-close": ["It was asked for here (`closed` in the log): `l2tpctl`, a reload.", "StopCCN 1, CDN 3"],
  idle: ["The tunnel had no session for `idle_timeout`.", "StopCCN 1"],
  drained: ["`l2tpctl drain`.", "StopCCN 1, CDN 3"],
  "shut-down": ["l2tpd ends.", "StopCCN 6"],
};

/** What the system said, in the words of the log. */
const SYSTEM: readonly (readonly [PlaneErrorCode | "unresolved", happened: string])[] = [
  [
    "address-in-use",
    "Another socket has the local address and port, or a route or address is there already.",
  ],
  ["address-not-local", "The local address is no address of this host."],
  ["unresolved", "The name of who is dialled has no address."],
  ["no-route", "No route leads to the peer."],
  ["route-through-itself", "The tunnel's packets would go into the tunnel."],
  ["no-privilege", "The system does not allow it."],
  ["module-missing", "The kernel lacks a module."],
  ["name-in-use", "An interface has that name."],
  ["no-bridge", "The bridge is not there."],
  ["no-such-namespace", "The network namespace is not there."],
  ["id-in-use", "Somebody else has the tunnel or session ID."],
];

const cell = (text: string): string => text.replaceAll("|", "\\|");
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |\n`).join("");
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const codes = (texts: Readonly<Record<number, string>>) =>
  Object.entries(texts)
    .filter(([code]) => code !== "0")
    .map(([code, text]) => [code, text]);

/** Where the peer's Result Code says more. */
const said = (): string[][] =>
  (["StopCCN", "CDN"] as const).flatMap((message) =>
    Object.entries(message === "CDN" ? CDN_RESULTS_V2 : STOPCCN_RESULTS_V2)
      .map(([result, text]) => [result, text, remedyFor("peer-close", message, Number(result))] as const)
      .filter(([, , remedy]) => remedy !== REMEDIES["peer-close"])
      .map(([result, text, remedy]) => [
        "`peer-close`",
        `… with: ${text}.`,
        `${message} ${result}`,
        `${sentence(remedy)}.`,
      ]),
  );

const TABLES: Readonly<Record<string, () => string>> = {
  causes: () =>
    table(
      ["code in the log", "what happened", "on the wire", "likely remedy"],
      Object.entries(CAUSES).flatMap(([cause, [happened, wire]]) => [
        [`\`${cause}\``, happened, wire, `${sentence(REMEDIES[cause as Cause])}.`],
        ...(cause === "peer-close" ? said() : []),
      ]),
    ),
  system: () =>
    table(
      ["code in the log", "what happened", "likely remedy"],
      SYSTEM.map(([code, happened]) => [
        `\`${code}\``,
        happened,
        `${sentence(reason(code, "").remedy ?? "")}.`,
      ]),
    ),
  ppp: () =>
    table(
      ["the log says", "RFC 3145", "what to do"],
      Object.entries(PPP_REMEDIES).map(([code, remedy]) => {
        const { text, disconnectCode } = reasonOf(code as DownCode);
        return [text, String(disconnectCode), remedy];
      }),
    ),
  StopCCN: () => table(["Result Code", "meaning"], codes(STOPCCN_RESULTS_V2)),
  CDN: () => table(["Result Code", "meaning"], codes(CDN_RESULTS_V2)),
  errors: () => table(["Error Code", "meaning"], codes(GENERAL_ERRORS)),
};

const BLOCK = /(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- end of table -->)/g;

/** The page, by its path from the root of the repository. */
export default function generateTroubleshooting(): Record<string, string> {
  const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), "utf8");
  const missing = new Set(Object.keys(TABLES));
  const filled = page.replace(BLOCK, (_block, begin: string, name: string, end: string) => {
    const render = TABLES[name];
    if (render === undefined) throw new Error(`${PAGE}: there is no table "${name}"`);
    missing.delete(name);
    return `${begin}\n${render()}\n${end}`;
  });
  if (missing.size > 0) throw new Error(`${PAGE}: no place for ${[...missing].join(", ")}`);
  return { [PAGE]: filled };
}
