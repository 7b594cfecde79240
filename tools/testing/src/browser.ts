/** Packages as a bundler for browsers takes them. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What came of it. */
export interface BrowserBundle {
  /** Minified. */
  readonly octets: number;
  readonly warnings: readonly string[];
  /** The files in it, from the repository's root. */
  readonly files: readonly string[];
  /** What is imported and not in it: a browser has no such thing. */
  readonly missing: readonly string[];
}

/**
 * Bundles a package with all that it imports.
 *
 * @param test - `import.meta.url` of a test in the package's `test/`.
 * @throws what esbuild throws where something, such as a Node built-in, is not to be had in a browser
 */
export async function bundleForBrowser(test: string): Promise<BrowserBundle> {
  const { outputFiles, warnings, metafile } = await build({
    absWorkingDir: fileURLToPath(new URL("../../..", import.meta.url)),
    entryPoints: [fileURLToPath(new URL("../src/index.ts", test))],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    write: false,
    conditions: ["@l2tp/source"],
    metafile: true,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return {
    octets: outputFiles[0]?.contents.length ?? 0,
    warnings: warnings.map(({ text }) => text),
    files: Object.keys(metafile.inputs),
    missing: imports.filter(({ external }) => external === true).map(({ path }) => path),
  };
}
