/** What became of each line of the old configuration that is not simply in the new one. */

/** A line of a file. */
export interface Place {
  /** As the person named it. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/**
 * `left out`: the new daemon behaves differently for it. `not needed`: it does not. `look`: it was carried over, and a
 * person should see whether it is what was meant.
 */
export type NoteKind = "left out" | "look" | "not needed";

/** One remark. */
export interface Note {
  readonly kind: NoteKind;
  readonly place: Place;
  /** What stands there; never a secret. */
  readonly what: string;
  readonly why: string;
}

/** Gathers remarks. */
export class Notes {
  readonly all: Note[] = [];

  leftOut(place: Place, what: string, why: string): void {
    this.all.push({ kind: "left out", place, what, why });
  }
  notNeeded(place: Place, what: string, why: string): void {
    this.all.push({ kind: "not needed", place, what, why });
  }
  look(place: Place, what: string, why: string): void {
    this.all.push({ kind: "look", place, what, why });
  }
}

/** `xl2tpd.conf:12` */
export const placeText = ({ file, line }: Place): string => `${file}:${line}`;

/** A line for each remark. */
export function renderNote({ kind, place, what, why }: Note): string {
  return `${placeText(place)}: ${kind}: ${what}: ${why}`;
}
