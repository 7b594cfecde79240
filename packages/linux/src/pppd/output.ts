/** What pppd says on its standard output: secrets taken out, and the name of the interface found. */

/** Options and fields that are followed by a secret, in pppd's log (`show-password`) and in its complaints. */
const SECRETS = /\b(password|secret|passwd|pass)(\s*=\s*|\s+)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s\]]+)/gi;
/** What stands for them; pppd itself writes the first. */
const HARMLESS =
  /^("?<hidden>"?|"?\?+"?|for|is|of|to|from|or|and|was|in|required|expired|file|authentication)$/i;
/** Other than a tab, nothing that steers a terminal gets into a log. */
const CONTROL = /[^\P{Cc}\t]/gu;

/** A line as it may be logged: no control characters, no secrets. */
export function cleanLine(line: string, secrets: readonly string[] = []): string {
  let clean = line.replace(CONTROL, "?");
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, "<hidden>");
  return clean.replace(SECRETS, (all, name: string, between: string, value: string) =>
    HARMLESS.test(value) ? all : `${name}${between}<hidden>`,
  );
}

/** Words among options that are secret: the arguments of options that take one. */
export function secretWords(words: readonly string[]): string[] {
  return words.filter((_, i) => /^(password|secret|passwd)$/i.test(words[i - 1] ?? ""));
}

/** Lines of pppd that say which interface it has. */
export type InterfaceLine =
  | { readonly said: "using"; readonly name: string }
  | { readonly said: "renamed"; readonly from: string; readonly name: string };

/** Reads `Using interface ppp0` and `Renamed interface ppp0 to wan`. */
export function readInterfaceLine(line: string): InterfaceLine | undefined {
  const using = /^Using interface (\S+)$/.exec(line);
  if (using) return { said: "using", name: using[1] as string };
  const renamed = /^Renamed interface (\S+) to (\S+)$/.exec(line);
  return (
    (renamed && { said: "renamed", from: renamed[1] as string, name: renamed[2] as string }) || undefined
  );
}

/** Parts what comes in pieces into lines; a line without an end is cut where it becomes too long. */
export class Lines {
  readonly #each: (line: string) => void;
  #rest = "";

  constructor(each: (line: string) => void) {
    this.#each = each;
  }

  push(text: string): void {
    const parts = (this.#rest + text).split(/\r?\n/);
    this.#rest = (parts.pop() ?? "").slice(0, LONGEST_LINE);
    for (const line of parts) if (line !== "") this.#each(line.slice(0, LONGEST_LINE));
  }

  /** What is left without an end. */
  end(): void {
    if (this.#rest !== "") this.#each(this.#rest);
    this.#rest = "";
  }
}

const LONGEST_LINE = 4096;
