/** Amounts and rates as people say them. */

/** `734 MB`, `12.3 GB`. */
export function formatOctets(octets: number): string {
  const units = ["octets", "kB", "MB", "GB", "TB"];
  let value = octets;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1.92 Gbit/s`. */
export function formatRate(octets: number, ms: number): string {
  if (ms <= 0) return "0 Mbit/s";
  const megabits = (octets * 8) / 1000 / ms;
  return megabits >= 1000 ? `${(megabits / 1000).toFixed(2)} Gbit/s` : `${megabits.toFixed(1)} Mbit/s`;
}

/** `1.92 Gbit/s (734 MB in 3.0 s)`. */
export function formatTransfer({
  octets,
  ms,
  done,
}: {
  readonly octets: number;
  readonly ms: number;
  readonly done: boolean;
}): string {
  if (octets === 0) return done ? "nothing came through" : "not begun";
  const figure = `${formatRate(octets, ms)} (${formatOctets(octets)} in ${(ms / 1000).toFixed(1)} s)`;
  return done ? figure : `${figure}, going on`;
}
