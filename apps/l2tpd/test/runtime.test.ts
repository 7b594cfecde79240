/** What stopping and reloading do when a part of them fails: it is said, and the rest is done. */
import { NullDataPlane } from "@l2tp/dataplane-null";
import { expect, test } from "vitest";
import { loadDocument } from "../src/config-file.ts";
import type { LogWriter } from "../src/log-writer.ts";
import { Runtime } from "../src/runtime.ts";
import { recorder } from "./recorder.ts";
import { freePort, lac, lns } from "./scene.ts";

/** A daemon's runtime on a plane that carries nothing. */
function running(document: string, lines: string[]): Runtime {
  const logger: LogWriter = { ...recorder(lines), format: "text", level: "info", raw: () => {} };
  const runtime = new Runtime(loadDocument(document, "test.toml"), new NullDataPlane(), logger);
  runtime.start();
  return runtime;
}

test("calls that cannot be ended in order at the stop are told of, and all ends all the same", async () => {
  const port = await freePort();
  const said: string[] = [];
  const server = running(lns(port), []);
  const client = running(lac(port), said);
  await client.context.tunnel("out")?.sessions[0]?.whenUp({ signal: AbortSignal.timeout(10_000) });
  client.context.drain = () => Promise.reject(new Error("out of order"));
  await client.close(2_000);
  expect(said.filter((line) => line.startsWith("error"))).toEqual([
    "error calls could not be ended before their tunnels; all ends at once",
  ]);
  expect(client.context.tunnels).toEqual([]);
  await server.close(2_000);
});
