/** Of all values: where they came from, and how secrets are held. */
import type { KeyPath } from "./problem.ts";

/**
 * Where a value came from. `given`: the document says it. `default`: the profile's. `derived`: follows from
 * other keys of the document (the mode from the IDs, the port 0 from the encapsulation). `inherited`: a profile says it.
 */
export type Origin = "given" | "default" | "derived" | "inherited";

/** Origins by the key's name in TOML. */
export type Origins = Readonly<Record<string, Origin>>;

/**
 * A secret, or the file that holds it: `readSecrets` reads those. The text is enumerable, as `plan` compares it:
 * do not print configurations; `explain` does, without it.
 */
export type SecretSource =
  | { readonly from: "text"; readonly text: string }
  | { readonly from: "file"; readonly path: string; readonly key: KeyPath };
