/**
 * What the network of this host does for the peers behind it: forwarding and masquerading, switched on where the document
 * says so; and where a session is up and its packets get nowhere, why.
 */
import type { Config, PppProfileConfig } from "@l2tp/config";
import type { Masquerade, MasqueradeRule } from "@l2tp/linux";
import type { Logger } from "@l2tp/node";
import {
  type DialledSession,
  dialledSessions,
  isUniqueLocal,
  maskedBehind,
  maskedPrefixes,
  nameOfSession,
} from "./masked-prefixes.ts";

/** What of the host is looked at and changed; {@link realHost} is the one that is there. */
export interface Host {
  forwardingState(namespace?: string): {
    readonly ipv4: boolean | undefined;
    readonly ipv6: boolean | undefined;
  };
  enableForwarding(options: {
    readonly namespace?: string;
    readonly ipv4?: boolean;
    readonly ipv6?: boolean;
  }): void;
  /** Whether packets to anywhere have a way. */
  hasDefaultRoute(family: 4 | 6, namespace?: string): boolean;
  openMasquerade(namespace?: string): Promise<Pick<Masquerade, "set" | "close">>;
}

/** Name of our table of nf_tables. */
const TABLE = "l2tpd";
/** The system is looked at again for sessions that come up, so long after the last time. */
const LOOK_AGAIN_MS = 30_000;
/** Addresses of root name servers, for asking which way leads into the world; nothing is sent. */
const FAR_AWAY = { 4: "198.41.0.4", 6: "2001:503:ba3e::2:30" } as const;

/** The host itself. Loaded when it is wanted: not every data plane needs it, and not every system has it. */
export async function realHost(): Promise<Host> {
  const [{ enableForwarding, forwardingState }, linux] = await Promise.all([
    import("@l2tp/dataplane-userspace"),
    import("@l2tp/linux"),
  ]);
  const { ERRNO, Masquerade, nlabi, openNamespace, route, runNetlink } = linux;
  const opened = (path: string | undefined) => (path === undefined ? undefined : openNamespace({ path }));
  return {
    enableForwarding,
    forwardingState,
    hasDefaultRoute(family, path) {
      using namespace = opened(path);
      const request = route.lookUp(FAR_AWAY[family]);
      return runNetlink(
        nlabi.NETLINK_ROUTE,
        {
          ...request,
          decode: () => true,
          absent: { errno: ERRNO["ENETUNREACH"] as number, value: false },
        },
        { ...(namespace && { namespace: namespace.fd }) },
      );
    },
    async openMasquerade(path) {
      using namespace = opened(path);
      return await Masquerade.open({ name: TABLE, ...(namespace && { namespace: namespace.fd }) });
    },
  };
}

/** What is masqueraded in one namespace, and what was asked for last. */
interface Masked {
  readonly masquerade: Pick<Masquerade, "set" | "close">;
  rules: string;
}

/** A session that is up, as far as it is of interest here. */
export interface ReachOf {
  /** Of the host on which its packets arrive. */
  readonly namespace?: string | undefined;
  /** Of the PPP profile, where that is known. */
  readonly profile?: PppProfileConfig | undefined;
  /** The peer's addresses and prefixes. */
  readonly addresses: readonly string[];
}

/** The network of this host, in every namespace that has a listener. */
export class HostNetwork implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #load: () => Promise<Host>;
  readonly #masked = new Map<string | undefined, Masked>();
  /** Explanations that are in the log. */
  readonly #told = new Set<string>();
  readonly #looked = new Map<string, number>();
  /** Interfaces of sessions that we dial and that are up. */
  readonly #up = new Map<string, string>();
  #config: Config | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(logger: Logger, load: () => Promise<Host> = realHost) {
    this.#logger = logger;
    this.#load = load;
  }

  /**
   * Does what the PPP profiles of the document want, and no longer what another did. Never throws: peers reach this host
   * without it.
   */
  apply(config: Config): Promise<void> {
    this.#turn = this.#turn.then(() => this.#apply(config)).catch((error: unknown) => this.#warn(error));
    return this.#turn;
  }

  async #apply(config: Config): Promise<void> {
    this.#told.clear();
    this.#looked.clear();
    this.#config = config;
    await this.#forward(config);
    await this.#maskAll(config);
    this.#explainNothing(config);
  }

  async #forward(config: Config): Promise<void> {
    const { profiles, listeners } = config;
    const forwards = profiles.ppp.some(({ forward }) => forward);
    // The host is that of each listener, and of each session that we dial; most have one.
    const namespaces = new Set([
      ...listeners.flatMap(({ namespace }) => (forwards ? [namespace] : [])),
      ...dialledSessions(config).flatMap(({ namespace, profile }) => (profile.forward ? [namespace] : [])),
    ]);
    if (namespaces.size === 0) return;
    const host = await this.#load();
    for (const namespace of namespaces) {
      try {
        host.enableForwarding({ ...at(namespace), ipv4: true, ipv6: true });
      } catch (error) {
        this.#warn(error, namespace);
      }
    }
  }

  /** Rules of each namespace that has any. */
  #rules(config: Config): Map<string | undefined, MasqueradeRule[]> {
    const rules = new Map<string | undefined, MasqueradeRule[]>();
    const add = (namespace: string | undefined, more: readonly MasqueradeRule[]) => {
      if (more.length > 0) rules.set(namespace, [...(rules.get(namespace) ?? []), ...more]);
    };
    for (const namespace of new Set(config.listeners.map((listener) => listener.namespace))) {
      add(namespace, maskedPrefixes(config));
    }
    for (const session of dialledSessions(config)) {
      const name = this.#interfaceOf(session);
      if (name !== undefined) add(session.namespace, maskedBehind(name, session.profile));
    }
    return rules;
  }

  /** The interface behind which a session that we dial hides the rest; undefined where it does not, or is not up. */
  #interfaceOf({ name, interfaceName, profile: { masquerade } }: DialledSession): string | undefined {
    const own = interfaceName ?? this.#up.get(name);
    return masquerade === true || masquerade === own ? own : undefined;
  }

  async #maskAll(config: Config): Promise<void> {
    const wanted = this.#rules(config);
    for (const namespace of [...this.#masked.keys()]) {
      if (!wanted.has(namespace)) await this.#unmask(namespace);
    }
    for (const [namespace, rules] of wanted) {
      try {
        await this.#mask(namespace, rules);
      } catch (error) {
        this.#warn(error, namespace, "masquerading is not switched on: ");
      }
    }
  }

  /** A session that we dial is up behind an interface, or no longer: what it hides changes. Never throws. */
  dialled(tunnel: string, session: string, interfaceName: string | undefined): Promise<void> {
    const name = nameOfSession(tunnel, session);
    const changed = this.#up.get(name) !== interfaceName;
    if (interfaceName === undefined) this.#up.delete(name);
    else this.#up.set(name, interfaceName);
    const config = this.#config;
    const masks = config?.profiles.ppp.some(({ masquerade }) => masquerade !== false) === true;
    if (config === undefined || !changed || !masks) return this.#turn;
    this.#turn = this.#turn
      .then(async () => {
        await this.#maskAll(this.#config ?? config);
        await this.#explainDialled(this.#config ?? config, name);
      })
      .catch((error: unknown) => this.#warn(error));
    return this.#turn;
  }

  async #explainDialled(config: Config, which: string): Promise<void> {
    const session = dialledSessions(config).find(({ name }) => name === which);
    const name = session && this.#interfaceOf(session);
    if (session === undefined || name === undefined) return;
    const { namespace, profile } = session;
    const { ipv4, ipv6 } = (await this.#load()).forwardingState(namespace);
    if (ipv4 === true || ipv6 === true) return;
    const text = `nothing but this host's own packets leaves by ${name}, as it forwards none; forward = true in [profile.ppp.${profile.name}] switches that on`;
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#logger.info(at(namespace), text);
  }

  async #mask(namespace: string | undefined, rules: readonly MasqueradeRule[]): Promise<void> {
    let masked = this.#masked.get(namespace);
    if (masked === undefined) {
      const host = await this.#load();
      masked = { masquerade: await host.openMasquerade(namespace), rules: "" };
      this.#masked.set(namespace, masked);
    }
    const text = JSON.stringify(rules);
    if (masked.rules === text) return;
    await masked.masquerade.set(rules);
    masked.rules = text;
    const list = new Set(
      rules.map(({ prefix, outputInterface, wherever }) => {
        if (wherever === true) return `what leaves by ${outputInterface}`;
        return outputInterface === undefined ? prefix : `${prefix} (behind ${outputInterface})`;
      }),
    );
    this.#logger.info(at(namespace), `masquerading ${[...list].join(", ")}`);
  }

  async #unmask(namespace: string | undefined): Promise<void> {
    const masked = this.#masked.get(namespace);
    this.#masked.delete(namespace);
    await masked?.masquerade.close();
    this.#logger.info(at(namespace), "masquerading has ended");
  }

  #explainNothing(config: Config): void {
    const { profiles, listeners } = config;
    const dialled = dialledSessions(config).map(({ profile }) => profile.name);
    const named = profiles.ppp
      .filter(({ name, masquerade }) => masquerade !== false && !dialled.includes(name))
      .map(({ name }) => name);
    if (named.length === 0 || listeners.length === 0 || maskedPrefixes(config).length > 0) return;
    this.#logger.warn(
      { profiles: named },
      `masquerade of [profile.ppp.${named[0]}] has nothing to do: neither it nor a user of it has a pool or addresses; give it pool = "NAME"`,
    );
  }

  #warn(error: unknown, namespace?: string, before = ""): void {
    this.#logger.warn(
      { error, ...at(namespace) },
      `${before}${error instanceof Error ? error.message : String(error)}`,
    );
  }

  /** Why packets of this session get nowhere, as far as this host is the reason; empty where nothing is known to be wrong. */
  async explain({ namespace, profile, addresses }: ReachOf): Promise<string[]> {
    if (profile?.attach?.to === "program") return [];
    const host = await this.#load();
    const key = profile === undefined ? "[profile.ppp.NAME]" : `[profile.ppp.${profile.name}]`;
    const forwarding = host.forwardingState(namespace);
    const reasons: string[] = [];
    for (const family of [4, 6] as const) {
      const own = addresses.filter(
        (address) => address.includes(":") === (family === 6) && !isLinkLocal(address),
      );
      const [first] = own;
      if (first === undefined) continue;
      const protocol = family === 4 ? "IPv4" : "IPv6";
      if (!(family === 4 ? forwarding.ipv4 : forwarding.ipv6)) {
        reasons.push(
          `callers reach this host only over ${protocol}, as it forwards no packets; forward = true in ${key} switches that on`,
        );
      } else if (!host.hasDefaultRoute(family, namespace)) {
        reasons.push(
          `callers reach only the networks beside this host over ${protocol}, as it has no default route itself; \`ip -${family} route add default via ROUTER\` makes one`,
        );
      } else if (!this.#masked.has(namespace) && own.some(isPrivate)) {
        reasons.push(
          `callers with private addresses get answers only from hosts that have a route back to them: ` +
            `nothing of ours masquerades; masquerade = true in ${key} does`,
        );
      }
    }
    return reasons;
  }

  /** Tells, once, why the packets of a session that is up get nowhere. Never throws. */
  async tell(session: ReachOf, now = performance.now()): Promise<void> {
    const { namespace, profile } = session;
    const which = `${namespace ?? ""} ${profile?.name ?? ""}`;
    const before = this.#looked.get(which);
    if (before !== undefined && now - before < LOOK_AGAIN_MS) return;
    this.#looked.set(which, now);
    try {
      for (const text of await this.explain(session)) {
        if (this.#told.has(text)) continue;
        this.#told.add(text);
        this.#logger.info(at(namespace), text);
      }
    } catch (error) {
      this.#logger.debug({ error, ...at(namespace) }, "the host's forwarding could not be looked at");
    }
  }

  /** Nothing is masqueraded any more. Forwarding is the host's, and stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    for (const { masquerade } of this.#masked.values()) {
      await masquerade.close().catch((error: unknown) => this.#warn(error));
    }
    this.#masked.clear();
  }
}

const at = (namespace: string | undefined) => (namespace === undefined ? {} : { namespace });

const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address);

/** RFC 1918 §3, RFC 6598 §7, RFC 4193 §3.1. */
const isPrivate = (address: string): boolean =>
  address.includes(":")
    ? isUniqueLocal(address)
    : /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(address);
