/** What people and programs are told of a session: the lines of the log, and the events that go with them. */
import type { Ending } from "@l2tp/control";
import type { InterfaceAddress } from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import type { Emitter } from "../emitter.ts";
import type { SessionDown, SessionEventBase, SessionUp } from "../events.ts";
import type { Logger } from "../log.ts";
import type { Reason } from "../reason.ts";
import { textOfAddresses } from "./session-plane.ts";

/** What all events of a session have. */
type About = SessionEventBase;

/** Where it is told. */
export interface Audience {
  readonly emitter: Emitter;
  /** Of its tunnel. */
  readonly logger: Logger;
  /** What a peer can cause as often as it likes is not said that often. */
  readonly warn: Logger["warn"];
}

/** It is up. */
export function tellUp(
  { emitter, logger }: Audience,
  about: About,
  facts: Omit<SessionUp, "type" | keyof About>,
): void {
  const { session, sessionId } = about;
  const { interfaceName, mtuOctets, ppp } = facts;
  const on = interfaceName === undefined ? "" : ` on ${interfaceName}`;
  const who = ppp?.user === undefined ? "" : ` for ${ppp.user}`;
  logger.info(
    { session, sessionId, ...(interfaceName !== undefined && { interfaceName }), mtuOctets },
    `session ${session} is up${on}${who}, MTU ${mtuOctets}`,
  );
  emitter.emit({ type: "session-up", ...about, ...facts });
}

/** It was up, and is no more. */
export function tellDown(
  { emitter, logger }: Audience,
  about: About,
  facts: Omit<SessionDown, "type" | keyof About>,
  retryAt: Instant | undefined,
): void {
  const { session } = about;
  const { code, text, remedy } = facts.reason;
  const again = retryAt === undefined ? "" : "; opening it again";
  logger.info({ session, code, remedy }, `session ${session} is down: ${text}${again}`);
  emitter.emit({ type: "session-down", ...about, ...facts });
}

/**
 * It did not come up.
 * @param isKnown - this was told already: of tries that fail alike only the first is worth a line and an event.
 */
export function tellFailed(
  { emitter, logger, warn }: Audience,
  about: About,
  reason: Reason,
  isKnown: boolean,
  ending: Ending | undefined,
  retryAt: Instant | undefined,
): void {
  const { session } = about;
  const { code, text, remedy } = reason;
  const fields = { session, code, remedy };
  if (isKnown) {
    logger.debug(fields, `session ${session} still cannot come up: ${text}`);
    return;
  }
  if (code !== "closed" && code !== "tunnel-down") {
    const again = retryAt === undefined ? "" : "; trying again";
    warn(fields, `session ${session} cannot come up: ${text}${again}`);
  }
  emitter.emit({
    type: "session-failed",
    ...about,
    reason,
    ...(retryAt !== undefined && { retryAt }),
    ...(ending !== undefined && { ending }),
  });
}

/** Addresses on its interface have changed; "" is no interface. */
export function tellAddresses(
  { emitter, logger }: Audience,
  about: About,
  interfaceName: string,
  addresses: readonly InterfaceAddress[],
): void {
  const { session } = about;
  const on = interfaceName === "" ? "" : `: ${interfaceName}`;
  logger.info({ session, interfaceName }, `session ${session}${on} has ${textOfAddresses(addresses)}`);
  emitter.emit({ type: "session-addresses", ...about, interfaceName, addresses });
}
