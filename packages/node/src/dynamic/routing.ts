/** Where each event of the endpoint goes: to whoever answers questions, to the connection or call that it is about, or to people. */
import type { EndpointEvent, Intent, TunnelHandle } from "@l2tp/control";
import type { DynamicHost } from "./host.ts";

/** What it needs beside the host. */
export interface RoutingParts {
  asked(question: Extract<EndpointEvent, { type: "question" }>): void;
  /** No session is left. */
  drained(): void;
  /** No tunnel is left. */
  empty(): void;
}

/** One event; see the file's head. */
export function routeEvent(host: DynamicHost, parts: RoutingParts, event: EndpointEvent): void {
  const { connections, calls } = host;
  switch (event.type) {
    case "question":
      parts.asked(event);
      return;
    case "intent":
      routeIntent(host, event);
      return;
    case "tunnel-up":
      connections.get(event.tunnel)?.up(event);
      return;
    case "tunnel-down":
      connections.get(event.tunnel)?.down(event);
      return;
    case "tunnel-gone":
      forgetConnection(host, event.tunnel);
      return;
    case "session-up": {
      const call = calls.get(event.session);
      call?.owner.callUp(call, event);
      return;
    }
    case "session-down": {
      const call = calls.get(event.session);
      calls.delete(event.session);
      call?.owner.callDown(call, event);
      return;
    }
    case "peer-moved": {
      const connection = connections.get(event.tunnel);
      connection?.owner?.peerMoved(connection, event);
      return;
    }
    case "notice":
      tellNotice(host, event);
      return;
    case "drained":
      host.logger.info({}, "drained: no session is left");
      host.emitter.emit({ type: "drained", at: host.driver.now() });
      parts.drained();
      return;
    case "empty":
      parts.empty();
      return;
    default:
      calls.get(event.session)?.owner.tell(event);
  }
}

function forgetConnection({ connections, track }: DynamicHost, tunnel: TunnelHandle): void {
  const connection = connections.get(tunnel);
  connections.delete(tunnel);
  if (connection === undefined) return;
  connection.end();
  track(connection.gone);
}

function tellNotice(host: DynamicHost, event: Extract<EndpointEvent, { type: "notice" }>): void {
  const { from, text, suppressed } = event;
  // What is dropped is somebody else's mistake more often than not; it is counted in any case.
  const level = text.startsWith("datagram dropped") ? "debug" : "warn";
  host.logger[level](
    { peer: from.address, port: from.port, suppressed: suppressed || undefined },
    `${from.address}: ${text}`,
  );
  host.emitter.emit({ type: "notice", at: host.driver.now(), from, text, suppressed });
}

/** Work of the data plane. One for what is not here any more is done already. */
function routeIntent({ driver, connections, calls }: DynamicHost, intent: Intent): void {
  const connection = connections.get(intent.tunnel);
  const call = "session" in intent ? calls.get(intent.session) : undefined;
  if (connection !== undefined && intent.intent === "set-up-tunnel") connection.setUp(intent);
  else if (connection !== undefined && intent.intent === "move-tunnel") connection.move(intent);
  else if (connection !== undefined && intent.intent === "tear-down-tunnel") connection.tearDown(intent);
  else if (call !== undefined && intent.intent === "set-up-session") call.setUp(intent);
  else if (call !== undefined && intent.intent === "update-session") call.update(intent);
  else if (call !== undefined && intent.intent === "tear-down-session") call.tearDown(intent);
  else driver.command((endpoint, now) => endpoint.planeReady(now, intent.token));
}
