/** What is thrown at programs and people; what a peer sends is never a reason to throw. */

/** A setting that cannot be. `key` says which, the message what it should be. */
export class PppSettingError extends Error {
  readonly code = "PPP_SETTING";
  override readonly name = "PppSettingError";
  /** The setting, as a path: `ipv4.peer`. */
  readonly key: string;

  constructor(key: string, problem: string, options?: ErrorOptions) {
    super(`${key}: ${problem}`, options);
    this.key = key;
  }
}
