/** What a hook is told: one record, as environment variables for scripts and as JSON for programs. */

/** A value of a fact; what is undefined is left out. */
export type Fact = string | number | boolean | readonly string[] | undefined;

/** Facts by name, in camelCase: `peerTunnelId` becomes `L2TP_PEER_TUNNEL_ID`. Never a secret. */
export type Facts = Readonly<Record<string, Fact>>;

/** Octets of one variable: peers choose some of the texts. */
const LONGEST_VALUE = 1024;

/** What of our own environment a hook gets. */
const INHERITED = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"] as const;

/**
 * The environment of a hook: a few variables of ours, and the facts. Lists are separated by spaces. Texts that a peer
 * chose cannot do harm as such, but a script may be careless with them: control characters become `?`, and what is long
 * is cut.
 */
export function environmentOf(
  event: string,
  facts: Facts,
  own: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  for (const name of INHERITED) if (own[name] !== undefined) environment[name] = own[name];
  environment["L2TP_EVENT"] = event;
  for (const [name, fact] of Object.entries(facts)) {
    if (fact === undefined) continue;
    environment[`L2TP_${shout(name)}`] = clean(typeof fact === "object" ? fact.join(" ") : String(fact));
  }
  return environment;
}

/** The same as one line of JSON: `{"event":"session-up","tunnel":"…", …}`. */
export function jsonOf(event: string, facts: Facts): string {
  return `${JSON.stringify({ event, ...facts })}\n`;
}

/** `peerTunnelId` → `PEER_TUNNEL_ID`, `ipv4Address` → `IPV4_ADDRESS`. */
const shout = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are meant
const clean = (text: string): string => text.slice(0, LONGEST_VALUE).replace(/[\u0000-\u001f\u007f]/g, "?");
