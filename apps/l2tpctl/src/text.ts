/** Values as people read them. */
import { printable } from "@l2tp/protocol";

/** What others have chosen, such as a host name, made safe for a terminal. */
export function safe(text: string): string {
  // A quote or a backslash does no harm here.
  return printable(text).replace(/\\(["\\])/g, "$1");
}

/** `999`, `1.2 k`, `34 M`, `5.6 G`: three figures at most, thousands. */
export function amount(value: number): string {
  const units = ["", " k", " M", " G", " T", " P", " E"];
  let at = 0;
  let shown = value;
  while (shown >= 999.5 && at < units.length - 1) {
    shown /= 1000;
    at++;
  }
  return `${at === 0 ? shown : shown < 9.95 ? shown.toFixed(1) : Math.round(shown)}${units[at]}`;
}

/** A round trip: `0.3 ms`, `12 ms`. */
export const roundTrip = (ms: number): string => `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`;

/** `retransmits` → `retransmits`, `tunnelSetupFailures` → `tunnel setup failures`. */
export const words = (camelCase: string): string =>
  camelCase.replace(/[A-Z]+/g, (capitals) => ` ${capitals.length > 1 ? capitals : capitals.toLowerCase()}`);

/** What there is to say, with commas between. */
export const listed = (...parts: readonly (string | number | false | undefined)[]): string =>
  parts.filter(Boolean).join(", ");

/** Undefined where it is not known. */
export const yesOrNo = (value: boolean | undefined): string | undefined =>
  value === undefined ? undefined : value ? "yes" : "no";

/** JSON on one line; what JSON.stringify leaves of control characters is escaped too. */
export function json(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
