/**
 * Completion for shells: `l2tpctl completion bash` prints a few lines for the shell, which ask `l2tpctl __complete` at
 * each TAB. So commands and options come from the program itself, and names from the daemon.
 */
import { defaultSocketPath, ManagementClient } from "@l2tp/management";
import { Argument, Command } from "commander";
import type { Program } from "./manage/work.ts";
import { safe } from "./text.ts";

/** A person who presses TAB does not wait longer. */
const TIMEOUT_MS = 1_000;
/** More names help nobody. */
const MOST_NAMES = 200;

const SCRIPTS: Readonly<Record<string, string>> = {
  // Not compgen -W, which expands what is in the words; and quoted, as a name may be anything.
  bash: `_l2tpctl() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    [[ $word == "\${COMP_WORDS[COMP_CWORD]}"* ]] && COMPREPLY+=("$(printf %q "$word")")
  done < <(l2tpctl __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _l2tpctl l2tpctl`,
  zsh: `#compdef l2tpctl
_l2tpctl() {
  local -a found
  found=("\${(@f)$(l2tpctl __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "$found" ]] && compadd -a found || _files
}
compdef _l2tpctl l2tpctl`,
  fish: `complete -c l2tpctl -a '(l2tpctl __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
};

export function completionCommand({ output }: Program): Command {
  return new Command("completion")
    .summary("print what a shell needs to complete commands, options and names")
    .description("Prints a script for the shell.")
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      `
Examples:
  l2tpctl completion bash > /etc/bash_completion.d/l2tpctl
  l2tpctl completion zsh > "\${fpath[1]}/_l2tpctl"
  l2tpctl completion fish > ~/.config/fish/completions/l2tpctl.fish

Exit codes: 0 done, 64 wrong usage.`,
    )
    .action((shell: string) => output.line(SCRIPTS[shell] ?? ""));
}

/** What the scripts call; not for people. */
export function completeCommand(parts: Program, root: () => Command): Command {
  return new Command("__complete").argument("[words...]").action(async (words: readonly string[]) => {
    for (const word of await completions(root(), words, parts)) parts.output.line(word);
  });
}

/** @param words - what stands on the line after the program's name; the last one is begun, and may be empty. */
async function completions(root: Command, words: readonly string[], parts: Program): Promise<string[]> {
  const begun = words.at(-1) ?? "";
  let command = root;
  let before: string | undefined;
  let socket = parts.io.env["L2TPD_SOCKET"];
  let given = 0; // arguments that are there already
  for (const word of words.slice(0, -1)) {
    if (before === "--socket") socket = word;
    const inner = command.commands.find((it) => it.name() === word);
    if (inner) command = inner;
    else if (!word.startsWith("-") && !takesValue(command, before)) given++;
    before = word;
  }
  const option = command.options.find(
    ({ long, short }) => before !== undefined && (long === before || short === before),
  );
  const client = new ManagementClient({
    socketPath: socket ?? defaultSocketPath(parts.io.env),
    timeoutMs: TIMEOUT_MS,
  });
  await using _closed = client;
  let found: readonly string[];
  if (option && takesValue(command, before)) {
    found = option.argChoices ?? (before === "--tunnel" ? await names(client, "tunnel") : []);
  } else if (begun.startsWith("-")) found = [...command.options.map(({ long }) => long ?? ""), "--help"];
  else if (command.commands.length > 0)
    found = command.commands.map((it) => it.name()).filter((name) => !name.startsWith("_"));
  else {
    const argument = command.registeredArguments[given];
    const kind =
      command.parent?.name() === "session"
        ? "session"
        : argument?.name() === "name"
          ? "target"
          : argument?.name();
    found = argument?.argChoices ?? (argument ? await names(client, kind ?? "") : []);
  }
  return found.filter((word) => word.startsWith(begun) && word !== "" && !/\s/.test(word));
}

const takesValue = (command: Command, word: string | undefined): boolean =>
  command.options.some((option) => (option.long === word || option.short === word) && option.required);

/** Names from the daemon; none where there is none: a completion is no place for errors. */
async function names(client: ManagementClient, kind: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const name of namesOf(client, kind)) {
      if (found.push(safe(name)) >= MOST_NAMES) break;
    }
  } catch {
    return [];
  }
  return found;
}

async function* namesOf(client: ManagementClient, kind: string): AsyncGenerator<string> {
  if (kind === "tunnel") for await (const { name } of client.tunnels()) yield name;
  if (kind === "session") for await (const { tunnel, name } of client.sessions()) yield `${tunnel}/${name}`;
  if (kind === "target") for await (const { name } of client.dialTargets()) yield name;
}
