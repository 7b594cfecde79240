/** Running the TypeScript programs in `test/programs`. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What follows Node's own path. */
export function program(name: string): string[] {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [
    "--conditions=@l2tp/source",
    "--import",
    tsx,
    fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url)),
  ];
}

/** Runs a program to its end. @returns the JSON that it wrote @throws Error with what it said, when it failed */
export async function seenBy(command: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const child = spawn(command, args);
  let output = "";
  let errors = "";
  child.stdout.on("data", (text: Buffer) => {
    output += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${errors}`);
  return JSON.parse(output) as Record<string, unknown>;
}
