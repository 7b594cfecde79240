/**
 * What the network of this host does for the peers behind it: forwarding and masquerading, switched on where the document
 * says so; and where a session is up and its packets get nowhere, why.
 */
import type { Config, PppProfileConfig } from "@l2tp/config";
import type { Masquerade, MasqueradeRule } from "@l2tp/linux";
import type { Logger } from "@l2tp/node";
import { isUniqueLocal, maskedPrefixes } from "./masked-prefixes.ts";

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
    const { profiles, listeners } = config;
    this.#told.clear();
    this.#looked.clear();
    const forwards = listeners.length > 0 && profiles.ppp.some(({ forward }) => forward);
    const rules = listeners.length > 0 ? maskedPrefixes(config) : [];
    // The host is that of each listener; most have one.
    const namespaces = new Set(listeners.map(({ namespace }) => namespace));
    if (forwards) {
      const host = await this.#load();
      for (const namespace of namespaces) {
        try {
          host.enableForwarding({ ...at(namespace), ipv4: true, ipv6: true });
        } catch (error) {
          this.#warn(error, namespace);
        }
      }
    }
    for (const namespace of [...this.#masked.keys()]) {
      if (rules.length === 0 || !namespaces.has(namespace)) await this.#unmask(namespace);
    }
    if (rules.length === 0) return this.#explainNothing(config);
    for (const namespace of namespaces) {
      try {
        await this.#mask(namespace, rules);
      } catch (error) {
        this.#warn(error, namespace, "masquerading is not switched on: ");
      }
    }
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
    const list = rules.map(({ prefix, outputInterface }) =>
      outputInterface === undefined ? prefix : `${prefix} (behind ${outputInterface})`,
    );
    this.#logger.info(at(namespace), `masquerading ${list.join(", ")}`);
  }

  async #unmask(namespace: string | undefined): Promise<void> {
    const masked = this.#masked.get(namespace);
    this.#masked.delete(namespace);
    await masked?.masquerade.close();
    this.#logger.info(at(namespace), "masquerading has ended");
  }

  #explainNothing({ profiles, listeners }: Config): void {
    const named = profiles.ppp.filter(({ masquerade }) => masquerade !== false).map(({ name }) => name);
    if (named.length === 0 || listeners.length === 0) return;
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
