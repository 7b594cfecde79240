import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { needs } from "@l2tp/testing";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import type { AuthMethod } from "../src/index.ts";

/** What the whole package may weigh, minified, ciphers and hashes included. */
const CEILING = 96_000;
const METHODS: AuthMethod[] = ["pap", "chap-md5", "mschap-v1", "mschap-v2", "eap-md5", "eap-mschap-v2"];

async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    conditions: ["@l2tp/source"], // our packages from their src/: no build is needed
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "ppp",
    write: false,
  });
  expect(result.warnings).toEqual([]);
  return result.outputFiles[0]?.text ?? "";
}

/** Runs where the bundle is: two links, each method, up to IPv4 and MPPE. Uses nothing but the language. */
const SCENE = `
(methods) => methods.map((method) => {
  let seed = 1;
  const random = (n) => Uint8Array.from({ length: n }, () => (seed = (seed * 48271) % 2147483647) & 255);
  const mppe = { policy: method.includes("mschap") ? "require" : "off" };
  const client = new ppp.PppSession(ppp.pppSettings({ authenticateSelf: { name: "u", password: "p\\u00e4ss", methods: [method] }, ipv6: false, mppe }), random);
  const server = new ppp.PppSession(ppp.pppSettings({ authenticatePeer: { methods: [method] }, ipv4: { local: "10.0.0.1", peer: "10.0.0.2" }, ipv6: false, mppe }), random);
  let last;
  const pump = (link, peer) => {
    let any = false;
    for (let event = link.pollEvent(); event; event = link.pollEvent()) {
      any = true;
      if (event.type === "frame") peer.receive(0, event.frame);
      if (event.type === "question") link.decide(0, event.token, ppp.answerFromSecret(event.credentials, "p\\u00e4ss"));
      if (event.type === "configure" && link === client) last = event.configuration;
    }
    return any;
  };
  client.start(0);
  server.start(0);
  while ([pump(client, server), pump(server, client)].some(Boolean));
  return [method, last.ipv4.local, last.mppe ? last.mppe.send.bits : 0].join(" ");
})`;
const EXPECTED = METHODS.map((method) => `${method} 10.0.0.2 ${method.includes("mschap") ? 128 : 0}`);

test(`bundled for a browser, in at most ${CEILING} octets, every method works with nothing but the language`, async () => {
  const code = await bundle();
  expect(code.length).toBeLessThan(CEILING);
  // A context without process, Buffer, require, crypto, timers or TextEncoder: whatever it leaned on would be missed.
  const result = runInNewContext(`${code}; (${SCENE})(${JSON.stringify(METHODS)}).join("|")`) as string;
  expect(result.split("|")).toEqual(EXPECTED);
});

needs({ tool: "chromium" })(
  "every method works in chromium, which has neither MD4 nor DES nor RC4",
  async () => {
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ content: await bundle() });
      const result = await page.evaluate(
        ([scene, methods]) => new Function("methods", `return (${scene})(methods)`)(methods),
        [SCENE, METHODS] as const,
      );
      expect(result).toEqual(EXPECTED);
    } finally {
      await browser.close();
    }
  },
);
