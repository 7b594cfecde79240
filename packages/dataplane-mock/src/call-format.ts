/** Calls as text, and the comparison of arguments. */

interface Call {
  readonly index: number;
  readonly at: number;
  readonly call: string;
  readonly on: string;
  readonly arguments: unknown;
  readonly outcome: string;
  readonly error?: Error;
}
type Expected = string | readonly [string, unknown];

/** One line: `3  12.0 ms  tunnel 7  createSession {…} → failed: …`. */
export function formatCall(record: Call): string {
  const { index, at, call, on, outcome, error } = record;
  const why = error === undefined ? "" : `: ${error.message}`;
  const mark = outcome === "returned" ? "" : ` → ${outcome}${why}`;
  return `${String(index).padStart(3)}  ${at.toFixed(1)} ms  ${on}  ${call}${show(record.arguments)}${mark}`;
}

/** What was expected and what came, with a mark where they part. */
export function formatDifference(expected: readonly Expected[], actual: readonly Call[], at: number): string {
  const wanted = expected.map((want) => (typeof want === "string" ? want : `${want[0]}${show(want[1])}`));
  const list = (lines: readonly string[]) =>
    lines.map((line, i) => `${i === at ? "→ " : "  "}${line}`).join("\n") || "  (no call)";
  return [
    `the calls differ at number ${at + 1}`,
    "expected:",
    list(at < wanted.length ? wanted : [...wanted, "(no further call)"]),
    "called:",
    list(at < actual.length ? actual.map(formatCall) : [...actual.map(formatCall), "(no further call)"]),
  ].join("\n");
}

/** Whether all that `part` says is so in `whole`; octets must be equal, other things equal or a part again. */
export function matches(part: unknown, whole: unknown): boolean {
  if (Object.is(part, whole)) return true;
  if (part instanceof Uint8Array) {
    return (
      whole instanceof Uint8Array &&
      part.length === whole.length &&
      part.every((octet, i) => octet === whole[i])
    );
  }
  if (typeof part !== "object" || part === null || typeof whole !== "object" || whole === null) return false;
  return Object.entries(part).every(([key, value]) =>
    matches(value, (whole as Record<string, unknown>)[key]),
  );
}

function show(value: unknown): string {
  if (value === undefined) return "";
  return ` ${JSON.stringify(value, (key, part: unknown) => {
    if (part instanceof Uint8Array) return hex(part);
    // A tunnel handed to send() is known by its ID.
    if (key === "tunnel" && typeof part === "object" && part !== null && "tunnelId" in part)
      return part.tunnelId;
    return part;
  })}`;
}

const hex = (octets: Uint8Array): string => {
  const shown = [...octets.subarray(0, 32)].map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return octets.length > 32 ? `${shown}… (${octets.length} octets)` : shown;
};
