/** What a benchmark is: a named set of measurements against named references, reported as ratios. */

/** One table to print and to keep. */
export interface ResultTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly notes?: readonly string[];
}

/** One figure with what it must be (gate) and what it strives for (goal). */
export interface Figure {
  readonly name: string;
  readonly measured: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly gate?: number;
  readonly goal?: number;
}

export interface SuiteResult {
  readonly tables: readonly ResultTable[];
  readonly figures: readonly Figure[];
  /** What could not be measured here, and why. */
  readonly missing?: readonly string[];
}

export interface SuiteOptions {
  /** Interleaved rounds; medians of ratios per round are reported. */
  readonly rounds: number;
  /** Progress, one line each. */
  log(line: string): void;
}

/** The default export of every `bench/suites/*.ts`. */
export interface Suite {
  readonly name: string;
  readonly description: string;
  run(options: SuiteOptions): Promise<SuiteResult>;
}
