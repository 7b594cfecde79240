/**
 * What `console.log` and `JSON.stringify` make of a tunnel or session: what a person wants to see of it. What it is made of is
 * none of theirs, as secrets are in that.
 */

/** The method of that name is asked by Node's `inspect` (node:util). */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Something that says what is shown of it. */
export abstract class Shown {
  /** For `JSON.stringify`: plain, and without anything secret. */
  abstract toJSON(): object;

  [INSPECT](): object {
    return this.toJSON();
  }
}
