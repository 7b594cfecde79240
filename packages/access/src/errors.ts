/** What is wrong with rules that a person or a program wrote. */
export class RulesError extends Error {
  override readonly name = "RulesError";
  /** Stable, for programs. */
  readonly code = "rules-invalid";
  /** Which rule and member: `pool "subscribers": ranges[0]`. */
  readonly where: string;

  constructor(where: string, message: string) {
    super(`${where}: ${message}`);
    this.where = where;
  }
}
