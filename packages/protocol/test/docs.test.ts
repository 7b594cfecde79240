import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import generateProtocol from "../../../tools/generate/protocol.ts";

for (const [path, content] of Object.entries(generateProtocol())) {
  test(`${path} is what the tables give (npm run docs)`, () => {
    expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(content);
  });
  test(`${path}: every link to a heading has one`, () => {
    const pages = Object.entries(generateProtocol());
    const anchors = new Map(
      pages.map(([page, text]) => [
        page.replace("docs/", ""),
        new Set(
          [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
            heading
              .toLowerCase()
              .replaceAll(/[^a-z0-9 _-]/g, "")
              .replaceAll(" ", "-"),
          ),
        ),
      ]),
    );
    for (const [, page = "", anchor = ""] of content.matchAll(/\]\(([a-z]+\.md)#([^)]+)\)/g)) {
      expect(anchors.get(page)?.has(anchor), `${page}#${anchor}`).toBe(true);
    }
  });
}
