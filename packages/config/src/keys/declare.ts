/**
 * How a key is declared. One declaration gives the check, the words of its error, the tables of
 * docs/configuration.md, the man page and the JSON Schema for editors.
 */
import * as z from "zod";

/** What a key says of itself beyond its type. */
export interface KeyDeclaration {
  /** One or two sentences, each with its full stop. */
  readonly description: string;
  /** Ends "expected …" in an error; made from the type where it is absent. */
  readonly expects?: string;
  /** Of the number: `ms`, `octets`. */
  readonly unit?: "ms" | "octets" | "messages" | "per second" | "bit/s";
  /** What holds when the key is absent; one text, or one for each set of defaults. */
  readonly default: string | { readonly field: string; readonly goL2tp: string };
  /** Whose key it is. A document with none but go-l2tp's gets go-l2tp's defaults. */
  readonly origin: "go-l2tp" | "l2tpd";
  /** First release that has it. */
  readonly since: string;
  /** Where the matter is specified. */
  readonly standard?: string;
  /** As it would stand in a document. */
  readonly example: string;
  /** The value never appears in a message. */
  readonly secret?: true;
  /** Names that other programs have for it, to find what was meant. */
  readonly aliases?: readonly string[];
}

/** Declarations by schema. */
export const declarations = z.registry<KeyDeclaration>();

/** Declares a key. */
export function key<S extends z.ZodType>(schema: S, declaration: KeyDeclaration): S {
  declarations.add(schema, declaration);
  return schema;
}

/** Declares a key that go-l2tp does not have, there since the first release. */
export function ours<S extends z.ZodType>(
  schema: S,
  declaration: Omit<KeyDeclaration, "origin" | "since">,
): S {
  return key(schema, { ...declaration, origin: "l2tpd", since: "0.1" });
}

/** The declaration of `schema`. @throws TypeError when it has none. */
export function declarationOf(schema: z.ZodType): KeyDeclaration {
  const declaration = declarations.get(schema);
  if (!declaration) throw new TypeError("a key without a declaration");
  return declaration;
}

/** What a value has to be, in words: from the declaration, else from the type. */
export function expectation(schema: z.ZodType): string {
  return declarations.get(schema)?.expects ?? typeInWords(schema);
}

function typeInWords(schema: z.ZodType): string {
  if (schema instanceof z.ZodBoolean) return "true or false";
  if (schema instanceof z.ZodEnum) return oneOf(schema.options.map((option) => JSON.stringify(option)));
  if (schema instanceof z.ZodNumber) return `an integer from ${schema.minValue} to ${schema.maxValue}`;
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodEnum)
    return `an array of ${listed(
      schema.element.options.map((option) => JSON.stringify(option)),
      "and",
    )}`;
  return schema instanceof z.ZodString && (schema.minLength ?? 0) > 0
    ? "a string that is not empty"
    : "a string";
}

/** `"a", "b" or "c"` */
export const oneOf = (words: readonly string[]): string => listed(words, "or");

const listed = (words: readonly string[], last: "and" | "or"): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;

/** An integer with both ends included. */
export const integer = (least: number, most: number): z.ZodInt => z.int().min(least).max(most);

/** Milliseconds, up to a day unless more is said. */
export const milliseconds = (least: number, most = 86_400_000): z.ZodInt => integer(least, most);

/** Bits per second. */
export const bitRate = (): z.ZodInt => integer(1, 1_000_000_000_000);

/** A rate per second, or what may come at once. */
export const rate = (): z.ZodNumber => z.number().min(0).max(10_000_000);

/** A string that is not empty. */
export const text = (): z.ZodString => z.string().min(1);

/** An array of strings that are not empty, one at least. */
export const texts = (): z.ZodArray<z.ZodString> => z.array(z.string().min(1)).min(1);

/** Ways to prove who one is, as `AuthMethod` of `@l2tp/ppp`, against which a test holds them. */
export const AUTH_WORDS = ["pap", "chap-md5", "mschap-v1", "mschap-v2", "eap-md5", "eap-mschap-v2"] as const;

/** Octets as go-l2tp writes them. */
export const octets = z.array(z.int().min(0).max(255));
