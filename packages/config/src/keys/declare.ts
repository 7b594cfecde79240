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
  readonly unit?: "ms" | "octets" | "messages";
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
  return "a string";
}

/** `"a", "b" or "c"` */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** An integer with both ends included. */
export const integer = (least: number, most: number): z.ZodInt => z.int().min(least).max(most);

/** Octets as go-l2tp writes them. */
export const octets = z.array(z.int().min(0).max(255));
