/** Finds what is misspelt in an object of settings: what nobody knows would be left out without a word, a secret for instance. */
import { ParameterError } from "./errors.ts";

/**
 * @param path - of the object, with its point, as `call.`; "" for the whole.
 * @throws ParameterError naming the first setting that there is not
 */
export function checkKeys(path: string, given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) {
    throw new ParameterError(path.replace(/\.$/, "") || "parameters", `an object was expected, got ${given}`);
  }
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const near = known.find((name) => isNear(name.toLowerCase(), key.toLowerCase()));
    const hint = near === undefined ? `those that there are: ${known.join(", ")}` : `do you mean ${near}?`;
    throw new ParameterError(`${path}${key}`, `there is no such setting; ${hint}`);
  }
}

/** One is the other's beginning, or they differ in one place. */
function isNear(name: string, key: string): boolean {
  if (key.length > 2 && (name.startsWith(key) || key.startsWith(name))) return true;
  if (Math.abs(name.length - key.length) > 1) return false;
  let from = 0;
  while (from < Math.min(name.length, key.length) && name[from] === key[from]) from++;
  const rest = (text: string, longer: boolean) => text.slice(from + (longer ? 1 : 0));
  return rest(name, name.length >= key.length) === rest(key, key.length >= name.length);
}
