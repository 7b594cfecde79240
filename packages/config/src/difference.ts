/** In what two configurations differ. */

/** Names of the members in which two records differ, in the order of the new one. Never their values. */
export function changedMembers(old: object, next: object, except: readonly string[] = []): string[] {
  const names = new Set([...Object.keys(next), ...Object.keys(old)]);
  return [...names].filter(
    (name) => !except.includes(name) && !same(Reflect.get(old, name), Reflect.get(next, name)),
  );
}

/** Equality of plain data; anything else that an extension may hold is equal to itself only. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  const kind = Object.getPrototypeOf(a);
  if (kind !== Object.getPrototypeOf(b)) return false;
  const plain = kind === Object.prototype || kind === null || Array.isArray(a) || a instanceof Uint8Array;
  const names = Object.keys(a);
  return (
    plain &&
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(Reflect.get(a, name), Reflect.get(b, name)))
  );
}
