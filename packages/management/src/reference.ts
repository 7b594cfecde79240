/** From what a person calls a tunnel or a session to the one that is meant. */
import { ManagementError } from "./errors.ts";
import type { SessionNames, TunnelNames } from "./managed.ts";

/** How many names an error lists. */
const SHOWN = 8;

/** A session by the names that {@link Managed} takes. */
export interface SessionReference {
  readonly tunnel: string;
  readonly session: string;
}

/**
 * @param reference - a name; failing that, our tunnel ID in decimal.
 * @returns the tunnel's name.
 * @throws ManagementError `not-found`, with what there is.
 */
export function resolveTunnel(names: Iterable<TunnelNames>, reference: string): string {
  let byId: string | undefined;
  const seen: string[] = [];
  for (const { name, tunnelId } of names) {
    if (name === reference) return name;
    if (String(tunnelId) === reference) byId = name;
    if (seen.length <= SHOWN) seen.push(name);
  }
  if (byId !== undefined) return byId;
  throw notFound("tunnel", reference, seen);
}

/**
 * @param reference - `TUNNEL/SESSION`, each by name or ID; or one of the name, user, interface or ID of a session, where
 * only one has it.
 * @throws ManagementError `not-found`, `ambiguous`, with what there is.
 */
export function resolveSession(names: Iterable<TunnelNames>, reference: string): SessionReference {
  let exact: SessionReference | undefined;
  const byPath: SessionReference[] = [];
  const found: Record<"name" | "user" | "interface" | "ID", SessionReference[]> = {
    name: [],
    user: [],
    interface: [],
    ID: [],
  };
  const seen: string[] = [];
  for (const tunnel of names) {
    const rests = [tunnel.name, String(tunnel.tunnelId)]
      .filter((prefix) => reference.startsWith(`${prefix}/`))
      .map((prefix) => reference.slice(prefix.length + 1));
    for (const session of tunnel.sessions) {
      const it: SessionReference = { tunnel: tunnel.name, session: session.name };
      if (`${it.tunnel}/${it.session}` === reference) exact = it;
      else if (rests.some((rest) => rest === session.name || rest === String(session.sessionId)))
        byPath.push(it);
      for (const how of waysToName(session, reference)) if (found[how].length <= SHOWN) found[how].push(it);
      if (seen.length <= SHOWN) seen.push(`${it.tunnel}/${it.session}`);
    }
  }
  if (exact) return exact;
  for (const candidates of [byPath, found.name, found.interface, found.user, found.ID]) {
    const [only, another] = candidates;
    if (only && !another) return only;
    if (only) {
      const list = candidates.map(({ tunnel, session }) => `${tunnel}/${session}`);
      throw new ManagementError(
        "ambiguous",
        `more than one session answers to ${quote(reference)}: ${some(list)}`,
        {
          remedy: "name the session as TUNNEL/SESSION",
        },
      );
    }
  }
  throw notFound("session", reference, seen);
}

function* waysToName(
  session: SessionNames,
  reference: string,
): Generator<"name" | "user" | "interface" | "ID"> {
  if (session.name === reference) yield "name";
  if (session.user === reference) yield "user";
  if (session.interfaceName === reference) yield "interface";
  if (String(session.sessionId) === reference) yield "ID";
}

/** `no tunnel "x"; there are a, b`. */
export function notFound(what: string, reference: string, seen: readonly string[]): ManagementError {
  const there =
    seen.length === 0 ? "there are none" : `there ${seen.length === 1 ? "is" : "are"} ${some(seen)}`;
  return new ManagementError("not-found", `no ${what} ${quote(reference)}; ${there}`);
}

const some = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(", ")} and more` : names.join(", ");

/** A reference is a person's text: quoted, and not longer than a line. */
const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
