/** The files of an old configuration: found, read once, and remembered. */
import { readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import type { Notes, Place } from "./notes.ts";
import { applyOptions, emptySettings, type PppSettings } from "./ppp-options.ts";
import { type Word, wordLines } from "./words.ts";

/** A file that was read. */
export interface SourceFile {
  /** As remarks name it. */
  readonly name: string;
  /** Where it was found. */
  readonly path: string;
  readonly text: string;
}

/**
 * Reads what the configuration names. A configuration that lies outside of /etc is a copy, perhaps of another machine's:
 * what lies beside it counts before what this machine has.
 */
export class Sources {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns undefined where there is no such file, or it cannot be read. */
  read(name: string): SourceFile | undefined {
    const places = [resolve(this.#directory, name), join(this.#directory, basename(name))];
    if (isAbsolute(name) && !this.#directory.startsWith("/etc")) places.reverse();
    for (const path of new Set(places)) {
      try {
        return { name: basename(path), path, text: readFileSync(path, "utf8") };
      } catch {
        // the next place
      }
    }
    return undefined;
  }

  /** Reads an option file into settings, and those that it includes. */
  options(name: string, place: Place, notes: Notes, settings: PppSettings = emptySettings()): PppSettings {
    const file = this.read(name);
    if (file === undefined) {
      notes.leftOut(
        place,
        `the options in ${name}`,
        "the file cannot be read, here or beside the configuration",
      );
      return settings;
    }
    applyOptions(flat(file), settings, notes, (kind, included, at) => {
      const path = kind === "call" ? join("/etc/ppp/peers", included) : resolve(dirname(file.path), included);
      const more = this.read(path);
      if (more === undefined) notes.leftOut(at, `${kind} ${included}`, "the file cannot be read");
      return more && flat(more);
    });
    return settings;
  }
}

const flat = (file: SourceFile): Word[] => wordLines(file.text, file.name).flat();
