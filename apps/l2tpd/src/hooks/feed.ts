/** From what a context tells to hooks: the facts of each event, and those of its up again in its down. */
import type { Context, SessionDown, SessionUp, TunnelDown, TunnelUp } from "@l2tp/node";
import type { Facts } from "./facts.ts";
import type { Hooks } from "./hooks.ts";

/** Runs hooks for all that happens from now on, until it is disposed of. */
export function feedHooks(context: Context, hooks: Hooks): Disposable {
  /** What was told when it came up, by key. */
  const known = new Map<string, Facts>();
  // Facts are made only where somebody wants them: a busy LNS has thousands of these in a second.
  const up = (event: "tunnel-up" | "session-up", key: string, what: string, facts: () => Facts): void => {
    if (!hooks.active) return;
    const told = facts();
    known.set(key, told);
    hooks.fire(event, key, what, told);
  };
  const down = (
    event: "tunnel-down" | "session-down",
    key: string,
    what: string,
    facts: () => Facts,
  ): void => {
    const before = known.get(key);
    known.delete(key);
    if (hooks.active) hooks.fire(event, key, what, { ...before, ...facts() });
  };
  const listeners = [
    context.on("tunnel-up", (event) =>
      up("tunnel-up", event.tunnel, `tunnel ${event.tunnel}`, () => tunnelUp(event)),
    ),
    context.on("tunnel-down", (event) =>
      down("tunnel-down", event.tunnel, `tunnel ${event.tunnel}`, () => tunnelDown(event)),
    ),
    context.on("session-up", (event) =>
      up("session-up", keyOf(event), nameOf(event), () => sessionUp(event)),
    ),
    context.on("session-down", (event) =>
      down("session-down", keyOf(event), nameOf(event), () => sessionDown(event)),
    ),
  ];
  return {
    [Symbol.dispose]: () => {
      for (const listener of listeners) listener[Symbol.dispose]();
    },
  };
}

type OfSession = Pick<SessionUp, "tunnel" | "session">;

const keyOf = ({ tunnel, session }: OfSession): string => `${tunnel}/${session}`;
const nameOf = ({ tunnel, session }: OfSession): string => `session ${session} of tunnel ${tunnel}`;

function ofTunnel({ tunnel, tunnelId, peerTunnelId, peer, origin, peerName }: TunnelUp | TunnelDown): Facts {
  return { tunnel, tunnelId, peerTunnelId, peerAddress: peer.address, peerPort: peer.port, origin, peerName };
}

function tunnelUp(event: TunnelUp): Facts {
  const { local, peerFacts, authenticated, listener } = event;
  return {
    ...ofTunnel(event),
    localAddress: local.address,
    localPort: local.port,
    peerHostName: peerFacts?.hostName,
    peerVendorName: peerFacts?.vendorName,
    authenticated,
    listener,
  };
}

function ofEnd({ reason, ending }: TunnelDown | SessionDown): Facts {
  return {
    cause: reason.code,
    reason: reason.text,
    remedy: reason.remedy,
    endedBy: ending?.by,
    resultCode: ending?.result,
    errorCode: ending?.error,
    peerText: ending?.by === "peer" ? ending.text : undefined,
  };
}

const tunnelDown = (event: TunnelDown): Facts => ({ ...ofTunnel(event), ...ofEnd(event) });

function ofSession(event: SessionUp | SessionDown): Facts {
  const { tunnel, tunnelId, session, sessionId, kind, calledNumber, callingNumber } = event;
  return { tunnel, tunnelId, session, sessionId, kind, calledNumber, callingNumber };
}

function sessionUp(event: SessionUp): Facts {
  const { interfaceName, mtuOctets, ppp, txConnectSpeedBps, rxConnectSpeedBps } = event;
  return {
    ...ofSession(event),
    interface: interfaceName ?? ppp?.interfaceName,
    mtu: ppp?.mtu ?? mtuOctets,
    txConnectSpeedBps,
    rxConnectSpeedBps,
    user: ppp?.user,
    authenticationMethod: ppp?.method,
    ipv4Local: ppp?.ipv4?.local,
    ipv4Peer: ppp?.ipv4?.peer,
    ipv4Dns: ppp?.ipv4?.dns,
    ipv6Local: ppp?.ipv6?.local,
    ipv6Peer: ppp?.ipv6?.peer,
    ipv6Addresses: ppp?.ipv6?.addresses,
    ipv6Prefixes: ppp?.ipv6?.prefixes,
    mppeBits: ppp?.mppeBits,
  };
}

function sessionDown(event: SessionDown): Facts {
  const { upForMs, userName } = event;
  return {
    ...ofSession(event),
    ...ofEnd(event),
    upForSeconds: upForMs === undefined ? undefined : Math.round(upForMs / 1000),
    ...(userName !== undefined && { user: userName }),
  };
}
