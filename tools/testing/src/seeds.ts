/**
 * The seeds that a simulation test walks: `L2TP_TEST_SEED=N` (printed by a failure) replays one,
 * otherwise `count` fixed ones, so that a run is the same everywhere.
 */
export function seeds(count: number): number[] {
  const one = process.env["L2TP_TEST_SEED"];
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: count }, (_, i) => i + 1);
}
