/** Assertions without a test library; the errors carry `actual` and `expected`, which runners show as a diff. */
import type { PlaneError, PlaneErrorCode } from "../errors.ts";

/** Something was not as the contract says. */
class AssertionError extends Error {
  override readonly name = "AssertionError";
  readonly actual: unknown;
  readonly expected: unknown;

  constructor(message: string, actual: unknown, expected: unknown) {
    super(message);
    this.actual = actual;
    this.expected = expected;
  }
}

/** @throws AssertionError unless `condition` */
export function ok(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError(what, false, true);
}

/** Compares plain data and octets by value. @throws AssertionError */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [show(actual), show(expected)];
  if (a !== b) throw new AssertionError(`${what}: expected ${brief(b)}, got ${brief(a)}`, a, b);
}

/** @throws AssertionError unless the call is refused with a {@link PlaneError} of one of these codes */
export async function refused(
  call: () => Promise<unknown>,
  codes: PlaneErrorCode | readonly PlaneErrorCode[],
  what: string,
): Promise<void> {
  const wanted = typeof codes === "string" ? [codes] : codes;
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    // Another copy of this package has another class of the same name.
    const code = (error as PlaneError).code;
    if ((error as Error).name !== "PlaneError") throw error;
    if (!wanted.includes(code)) {
      throw new AssertionError(
        `${what}: expected ${wanted.join(" or ")}, got ${code}: ${error}`,
        code,
        wanted,
      );
    }
    ok((error as Error).message.length > 10, `${what}: the message says what to do`);
    return;
  }
  // What should not be there is not left there.
  if (typeof result === "object" && result !== null && Symbol.asyncDispose in result) {
    await (result as AsyncDisposable)[Symbol.asyncDispose]();
  }
  throw new AssertionError(
    `${what}: expected ${wanted.join(" or ")}, but it was accepted`,
    "accepted",
    wanted,
  );
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array
      ? [...part].map((octet) => octet.toString(16).padStart(2, "0")).join("")
      : part,
  ) ?? "undefined";

const brief = (text: string): string =>
  text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text;
