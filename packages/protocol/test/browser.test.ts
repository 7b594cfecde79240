import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";

/** What the whole codec may weigh, minified: tables, texts of all codes, MD5 and SHA-1 included. */
const CEILING = 96_000;

async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "l2tp",
    write: false,
  });
  expect(result.warnings).toEqual([]);
  return result.outputFiles[0]?.text ?? "";
}

test(`the package bundles for a browser, with no Node built-in, in at most ${CEILING} octets`, async () => {
  expect((await bundle()).length).toBeLessThan(CEILING);
});

/** The page's globals, as the functions given to it see them. */
declare const l2tp: typeof import("../src/index.ts");

needs({ tool: "chromium" })(
  "the same malformed datagrams, messages and secrets give the same results in chromium as here",
  async () => {
    const { cases } = JSON.parse(
      readFileSync(new URL("./captures/malformed.json", import.meta.url), "utf8"),
    ) as { cases: { hex: string; transport: "udp" | "ip"; secret?: string | null }[] };
    const work = cases.map(({ hex, transport, secret }) => ({ hex, transport, secret: secret ?? undefined }));
    const decodeAll = (
      codec: typeof import("../src/index.ts"),
      inputs: { hex: string; transport: "udp" | "ip"; secret: string | undefined }[],
    ) =>
      inputs.map(({ hex, transport, secret }) => {
        const octets = codec.fromHex(hex) as Uint8Array;
        const parsed = codec.decodeDatagram(octets, {
          encapsulation: transport,
          ...(secret !== undefined && { secret, authentication: false }),
        });
        return JSON.stringify(codec.toJson(parsed));
      });
    const here = decodeAll(await import("../src/index.ts"), work);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ content: await bundle() });
      const there = await page.evaluate(
        ([source, inputs]) =>
          new Function("l2tp", "inputs", `return (${source})(l2tp, inputs)`)(l2tp, inputs),
        [decodeAll.toString(), work] as const,
      );
      expect(there).toEqual(here);
      const sent = await page.evaluate(() => {
        const message = {
          version: 2,
          type: "SCCRQ",
          protocolVersion: { version: 1, revision: 0 },
          hostName: "lac é",
          framingCapabilities: 3,
          assignedTunnelId: 7,
        } as const;
        return l2tp.toHex(l2tp.encodeMessage(message, { tunnelId: 0, ns: 0, nr: 0 }));
      });
      expect(sent).toBe(
        "c802003a0000000000000000" +
          "8008000000000001" +
          "8008000000020100" +
          "800c000000076c616320c3a9" +
          "800a00000003" +
          "00000003" +
          "8008000000090007",
      );
    } finally {
      await browser.close();
    }
  },
);
