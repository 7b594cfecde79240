/** What the other end says while a call lasts, as the context's events. */
import type { CallErrors, EndpointEvent, OutgoingConnectedAvps } from "@l2tp/control";
import type { Instant } from "@l2tp/protocol";
import type { Logger } from "../log.ts";
import type { DynamicHost } from "./host.ts";

/** What all events of a call have. */
export interface CallAbout {
  readonly at: Instant;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly session: string;
  readonly sessionId: number;
}

/** The LNS wants a call to be placed; see `PlaceCall`. */
export function placeCall(
  { driver, emitter }: DynamicHost,
  about: CallAbout,
  { request, session }: Extract<EndpointEvent, { type: "place-call" }>,
  placed: Partial<OutgoingConnectedAvps> | undefined,
): void {
  if (placed !== undefined && !emitter.listens("place-call")) {
    driver.command((endpoint, now) => endpoint.answerCall(now, session, placed));
    return;
  }
  if (!emitter.hears("place-call")) {
    const cdn = { result: 5, text: "calls are not placed here" };
    driver.command((endpoint, now) => endpoint.failCall(now, session, cdn));
    return;
  }
  emitter.emit({
    type: "place-call",
    ...about,
    request,
    answer: (connected) => driver.command((endpoint, now) => endpoint.answerCall(now, session, connected)),
    fail: (cdn) => driver.command((endpoint, now) => endpoint.failCall(now, session, cdn)),
  });
}

/** What WEN counts (RFC 2661 §4.4.6), in words. */
function textOfErrors(errors: CallErrors): string {
  return [
    ["CRC", errors.crcErrors],
    ["framing", errors.framingErrors],
    ["hardware overruns", errors.hardwareOverruns],
    ["buffer overruns", errors.bufferOverruns],
    ["timeouts", errors.timeoutErrors],
    ["alignment", errors.alignmentErrors],
  ]
    .map((one) => one.join(" "))
    .join(", ");
}

/** Everything else. `warn` writes to the log no more than a peer may cause. */
export function tellOther(
  { emitter }: DynamicHost,
  about: CallAbout,
  event: EndpointEvent,
  warn: Logger["warn"],
): void {
  const { session } = about;
  switch (event.type) {
    case "link-info": {
      const { version: _, type: __, ...info } = event.info;
      emitter.emit({ type: "link-info", ...about, info });
      return;
    }
    case "wan-errors":
      warn(
        { session },
        `session ${session} has errors on its line, says its LAC: ${textOfErrors(event.errors)}`,
      );
      emitter.emit({ type: "wan-errors", ...about, errors: event.errors });
      return;
    case "sequencing":
      emitter.emit({ type: "sequencing", ...about, on: event.on });
      return;
    case "speed-update":
      emitter.emit({ type: "speed-update", ...about, txBps: event.txBps, rxBps: event.rxBps });
      return;
    case "speed-request":
      emitter.emit({ type: "speed-request", ...about });
      return;
    case "modem-status":
      emitter.emit({ type: "modem-status", ...about, status: event.status });
      return;
  }
}
