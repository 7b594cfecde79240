/** The guides keep to the code: what is generated is fresh, links lead somewhere, and documents in them load. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { checkConfig } from "@l2tp/config";
import { expect, test } from "vitest";
import generateTroubleshooting from "../generate/troubleshooting.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const inFolder = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map(({ name }) => join(folder, name));
const readmes = ["packages", "apps"].flatMap((top) =>
  readdirSync(join(root, top)).map((name) => join(top, name, "README.md")),
);
const pages = [...inFolder("."), ...inFolder("docs"), ...inFolder("docs/man"), ...readmes];

test("docs/troubleshooting.md is as its generator makes it", () => {
  for (const [path, content] of Object.entries(generateTroubleshooting())) {
    expect(read(path) === content, `${path} is stale: run "npm run docs"`).toBe(true);
  }
});

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
const anchorsOf = (page: string): string[] =>
  [...page.replace(/```[\s\S]*?```/g, "").matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    anchor(heading ?? ""),
  );

test.each(pages)("the links of %s lead somewhere", (path) => {
  const page = read(path);
  const links = [...page.replace(/```[\s\S]*?```/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, to]) => to ?? "",
  );
  const broken = links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = "", fragment] = link.split("#");
    const target = file === "" ? path : relative(root, join(root, dirname(path), file));
    if (!existsSync(join(root, target))) return true;
    return fragment !== undefined && target.endsWith(".md") && !anchorsOf(read(target)).includes(fragment);
  });
  expect(broken).toEqual([]);
});

const GUIDES = ["README.md", "docs/lns.md", "docs/lac.md", "docs/operations.md"];
const blocks = GUIDES.flatMap((path) =>
  [...read(path).matchAll(/```toml\n([\s\S]*?)```/g)].map(([, text = ""], i) => [`${path} ${i + 1}`, text]),
);

test.each(blocks)("the document in %s loads", (_name, text = "") => {
  // The hooks of a guide are added to a document.
  const document = text.startsWith("[hooks]") ? `[listen.here]\nlocal = "127.0.0.1:1701"\n${text}` : text;
  const checked = checkConfig(document, { file: "guide.toml" });
  expect(checked.ok ? [] : checked.error.message).toEqual([]);
});

test("every guide is in the README's list", () => {
  const readme = read("README.md");
  expect(inFolder("docs").filter((path) => !readme.includes(`(${path})`))).toEqual([]);
  expect(
    readdirSync(join(root, "packages")).filter((name) => !readme.includes(`(packages/${name})`)),
  ).toEqual([]);
  expect(readdirSync(join(root, "apps")).filter((name) => !readme.includes(`(apps/${name})`))).toEqual([]);
});

test("docs/architecture.md has the layers of .dependency-cruiser.cjs", () => {
  const rules = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as {
    forbidden: { name: string; to: { path?: string } }[];
  };
  const allowed = rules.forbidden.flatMap(({ name, to }) => {
    const [, layer] = /^(.*)-imports-only-layers-below$/.exec(name) ?? [];
    const names = /\(\?!\(([^)]*)\)/.exec(to.path ?? "")?.[1]?.split("|") ?? [];
    return layer === undefined ? [] : [[layer, names.filter((below) => below !== layer).sort()]];
  });
  const said = [...read("docs/architecture.md").matchAll(/^\| `([a-z-]+)` \| ([^|]+) \|/gm)].map(
    ([, layer = "", below = ""]) => [layer, below.startsWith("–") ? [] : below.trim().split(", ").sort()],
  );
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(allowed));
});
