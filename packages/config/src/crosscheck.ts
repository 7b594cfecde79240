/** What must be unique among the tunnels and sessions of one document. */
import { isUnspecified } from "./address.ts";
import { type KeyPath, renderPath } from "./problem.ts";
import type { Report } from "./report.ts";
import type { SessionDraft } from "./session.ts";
import type { TunnelFacts } from "./tunnel.ts";

/** Checks tunnels one after the other; remembers those before. */
export class Uniqueness {
  readonly #report: Report;
  readonly #tunnelIds = new Map<string, { facts: TunnelFacts; path: KeyPath }[]>();
  readonly #sessionIds = new Map<string, KeyPath>();
  readonly #interfaces = new Map<string, KeyPath>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** Tunnel IDs: on one local address an error, on two a matter of the data plane (go-l2tp: unique for the host). */
  tunnel(facts: TunnelFacts): void {
    if (facts.tunnelId === 0) return;
    const path = [...facts.path, "tid"];
    const scope = JSON.stringify([facts.namespace, facts.tunnelId]);
    const others = this.#tunnelIds.get(scope) ?? [];
    const clash = others.find((other) => sameAddress(other.facts, facts));
    if (clash) this.#duplicate(path, facts.tunnelId, clash.path, "on the same local address");
    else if (others[0]) {
      this.#report.warn({
        code: "duplicate",
        path,
        reason: `${facts.tunnelId} is also ${renderPath(others[0].path)}, and the Linux kernel wants tunnel IDs unique on the host`,
      });
    }
    others.push({ facts, path });
    this.#tunnelIds.set(scope, others);
  }

  /** Session IDs by their scope, and names of interfaces. */
  session(facts: TunnelFacts, session: SessionDraft): void {
    const path = [...facts.path, "session", session.name];
    if (session.sessionId !== undefined) {
      const { key, words } = sessionScope(facts);
      const scope = JSON.stringify([...key, session.sessionId]);
      const other = this.#sessionIds.get(scope);
      if (other) this.#duplicate([...path, "sid"], session.sessionId, other, words);
      else this.#sessionIds.set(scope, [...path, "sid"]);
    }
    const { name } = session.interface;
    // An Ethernet interface may have any number of PPPoE sessions.
    if (session.pseudowire === "pppac") return;
    if (name !== undefined && !name.includes("%")) {
      const other = this.#interfaces.get(name);
      const here = [...path, "interface_name"];
      if (other) this.#duplicate(here, JSON.stringify(name), other, "on this host");
      else this.#interfaces.set(name, here);
    }
  }

  #duplicate(path: KeyPath, value: number | string, other: KeyPath, where: string): void {
    this.#report.error({
      code: "duplicate",
      path,
      reason: `${value} is also ${renderPath(other)}, and it must be unique ${where}`,
    });
  }
}

function sameAddress(a: TunnelFacts, b: TunnelFacts): boolean {
  if (a.local === undefined || b.local === undefined || a.local.family !== b.local.family) {
    // Any address: on the same one for all that can be told.
    return a.local?.family === b.local?.family || a.local === undefined || b.local === undefined;
  }
  return (
    a.local.address === b.local.address || isUnspecified(a.local.address) || isUnspecified(b.local.address)
  );
}

/**
 * L2TPv2 finds a session by tunnel and session ID (RFC 2661 §3.1); L2TPv3 by the session ID alone, in UDP among
 * the messages of one socket, in IP among all of the host (RFC 3931 §4.1).
 */
function sessionScope(facts: TunnelFacts): { key: unknown[]; words: string } {
  const { version, encapsulation, local, namespace, name } = facts;
  if (version === 2) return { key: [2, name], words: "in the tunnel (L2TPv2)" };
  if (encapsulation === "ip") return { key: ["ip", namespace], words: "on the host (L2TPv3 over IP)" };
  if (local === undefined) return { key: ["udp", namespace, name], words: "in the tunnel" };
  return {
    key: ["udp", namespace, local.address, local.port],
    words: "on the local address and port (L2TPv3 over UDP)",
  };
}
