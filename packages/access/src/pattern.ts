/** Patterns with `*` and `?`, matched in time linear in the text for each `*`, whatever a peer sends. */

/** Octets of hostile text that are looked at; no name or number in the field is longer. */
const LONGEST = 1024;

/** Whether `text` is as `pattern` says; both in one case already where case is not to count. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (text.length > LONGEST) return pattern === "*";
  let p = 0;
  let t = 0;
  // Where the last `*` stands, and how far it reaches: when the rest does not fit, it takes one character more.
  let star = -1;
  let reach = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      star = p++;
      reach = t;
    } else if (wanted !== undefined && (wanted === "?" || wanted === text[t])) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      t = ++reach;
    } else return false;
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}

/** Whether any of `patterns` fits, upper and lower case alike; no patterns: everything does. */
export function matchesAny(patterns: readonly string[] | undefined, text: string): boolean {
  if (patterns === undefined) return true;
  const folded = text.toLowerCase();
  return patterns.some((pattern) => matchesPattern(pattern.toLowerCase(), folded));
}

/** Whether it has a `*` or a `?`. */
export const isPattern = (text: string): boolean => /[*?]/.test(text);
