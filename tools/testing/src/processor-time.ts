/** What work costs, however busy the machine is with other things. */

/** Milliseconds of processor time that this process spends on `work`, its collections of garbage included. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
