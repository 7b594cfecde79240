/** Lines of the log that a peer can cause as often as it likes. */
import type { LogFields, Logger } from "../log.ts";
import type { DynamicHost } from "./host.ts";

/**
 * Warns of a peer, at the rate that its address is allowed. What is left out is counted in the next line, and can be
 * seen with the level `debug`.
 */
export function warnOf(
  { driver }: Pick<DynamicHost, "driver">,
  logger: Logger,
  address: string,
  fields: LogFields,
  message: string,
): void {
  const leftOut = driver.endpoint.takeLine(driver.now(), address);
  if (leftOut === undefined) logger.debug(fields, message);
  else logger.warn(leftOut === 0 ? fields : { ...fields, suppressed: leftOut }, message);
}
