/**
 * What a suite that runs in two places is written against: the same `register(api)` declares its tests to
 * vitest on this machine and to the small runner inside the virtual machine, which cannot afford vitest
 * (opening a file costs milliseconds there).
 */

/** What a test is given. */
export interface TestContext {
  /** Ends the test: it cannot run here, for this reason; it is counted as skipped. */
  skip(reason: string): never;
}

/** What a suite needs of whoever runs it; the names are vitest's. */
export interface SuiteApi {
  describe(name: string, body: () => void): void;
  /**
   * What `body` declares begins at the same time, at most `atOnce` of it: tests and groups that share nothing, of which each
   * waits for much. In each of these groups one test follows the other as ever.
   */
  sideBySide(atOnce: number, body: () => void): void;
  test(name: string, body: (context: TestContext) => void | Promise<void>, timeoutMs?: number): void;
  /** A test that cannot run here, with the reason; it is counted. */
  skip(name: string, reason: string): void;
  beforeAll(body: () => void | Promise<void>, timeoutMs?: number): void;
  afterAll(body: () => void | Promise<void>, timeoutMs?: number): void;
}

/** The default export of a module that runs inside the virtual machine. */
export type GuestSuite = (api: SuiteApi) => void;

/** One line that the guest prints. */
export type GuestReport =
  | { readonly test: string; readonly state: "passed"; readonly ms: number }
  | { readonly test: string; readonly state: "failed"; readonly ms: number; readonly error: string }
  | { readonly test: string; readonly state: "skipped"; readonly reason: string };

/** Marks the report lines among whatever else the guest prints. */
export const REPORT_PREFIX = "@@l2tp-guest ";

/** The environment variable that names the tests to run there, as JSON; without it, all run. */
export const ONLY = "L2TP_TEST_ONLY";
