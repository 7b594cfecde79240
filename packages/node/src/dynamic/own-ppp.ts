/** The PPP of one call, where it is ours: from its profile to the runner, and what the runner tells put into a call's words. */
import type { CallKind, CdnFacts, ProxyInformation } from "@l2tp/control";
import type { InterfaceAddress } from "@l2tp/dataplane";
import type { SocketAddress } from "@l2tp/protocol";
import type { Logger } from "../log.ts";
import {
  type PppDownReason,
  type PppHandedOver,
  type PppListener,
  type PppProfile,
  type PppRun,
  PppRunner,
  type PppSessionEvent,
  type PppStatus,
  type PppUp,
  proxyOf,
} from "../ppp/index.ts";
import type { Call } from "./call.ts";
import { reasonOfPpp } from "./ending-reason.ts";
import type { DynamicHost } from "./host.ts";
import { interfaceAddresses } from "./session-plane.ts";

/** The call that it runs on. */
export interface PppCallFacts {
  readonly tunnel: string;
  readonly session: string;
  readonly peer: SocketAddress;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
  readonly proxy: ProxyInformation | undefined;
  /** The call's line is asynchronous, so that control characters may have to be escaped on it. */
  readonly isAsync: boolean;
}

/** Who is told. */
export interface OwnPppUser {
  pppUp(event: PppUp): void;
  /** The peer is known; PPP goes on elsewhere. */
  pppHandedOver(event: PppHandedOver): void;
  pppAddresses(addresses: readonly InterfaceAddress[]): void;
  pppTold(event: PppSessionEvent): void;
}

export class OwnPpp implements PppListener {
  readonly #host: DynamicHost;
  readonly #call: Call;
  readonly #logger: Logger;
  readonly #user: OwnPppUser;
  #run: PppRun | undefined;
  /** As LNS: the LAC is to be told which characters it has to escape. */
  #tellsAccm = false;
  /** What was agreed on when it came up. */
  agreed: Pick<PppUp, "user" | "mtu"> | undefined;
  /** What the CDN is to say when PPP has ended because somebody hung up. */
  #cdn: CdnFacts | undefined;
  #ended = false;

  constructor(host: DynamicHost, call: Call, logger: Logger, user: OwnPppUser) {
    this.#host = host;
    this.#call = call;
    this.#logger = logger;
    this.#user = user;
  }

  get status(): PppStatus | undefined {
    return this.#run?.status();
  }

  get trouble(): PppRun["trouble"] | undefined {
    return this.#run?.trouble;
  }

  get addresses(): InterfaceAddress[] {
    const { status } = this;
    return status === undefined ? [] : interfaceAddresses(status);
  }

  /** @returns false where the data plane has no link for it. */
  start(profile: PppProfile, facts: PppCallFacts, kind: CallKind): boolean {
    const { plane } = this.#call;
    if (plane?.link === undefined) return false;
    const { tunnel, session, peer, calledNumber, callingNumber, proxy, isAsync } = facts;
    this.#tellsAccm = isAsync && kind.startsWith("lns");
    this.#run = new PppRunner({
      host: this.#host.ppp,
      link: plane.link,
      profile: forCall(profile, plane.mtuOctets, kind),
      call: {
        tunnel,
        session,
        peer,
        ...(calledNumber !== undefined && { calledNumber }),
        ...(callingNumber !== undefined && { callingNumber }),
        ...(proxy !== undefined && { proxy: proxyOf(proxy) }),
      },
      listener: this,
    });
    this.#run.start();
    return true;
  }

  /** Says good-bye; the call ends, with this CDN, when that was heard. @returns false when it is at it already. */
  close(cdn: CdnFacts, text: string): boolean {
    if (this.#run === undefined || this.#ended || this.#cdn !== undefined) return false;
    this.#cdn = cdn;
    void this.#run.close(text);
    return true;
  }

  /** The call has ended. */
  lowerDown(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#run?.lowerDown();
  }

  get interfaceName(): string | undefined {
    return this.#call.plane?.interfaceName;
  }

  onEvent(event: PppSessionEvent): void {
    if (this.#ended) return;
    switch (event.type) {
      case "up":
        this.agreed = { user: event.user, mtu: event.mtu };
        this.#user.pppUp(event);
        this.#user.pppAddresses(interfaceAddresses(event));
        return;
      case "handed-over":
        this.agreed = { user: event.user, mtu: this.#call.plane?.mtuOctets ?? 0 };
        this.#user.pppHandedOver(event);
        return;
      case "addresses":
        this.#user.pppAddresses(interfaceAddresses(event));
        return;
      case "link-info":
        this.#tellAccm(event.sendAccm, event.receiveAccm);
        return;
      case "down":
        this.#down(event.reason);
        return;
      default:
        this.#user.pppTold(event);
    }
  }

  /**
   * As LNS: the LAC escapes for the caller what was agreed (RFC 2661 §6.14). On synchronous lines nothing is escaped, and
   * LACs that know no others (l2tpns) end the tunnel upon an ACCM AVP.
   */
  #tellAccm(sendAccm: number, receiveAccm: number): void {
    if (!this.#tellsAccm) return;
    const { handle } = this.#call;
    try {
      this.#host.driver.command((endpoint, now) =>
        endpoint.setLinkInfo(now, handle, { accm: { sendAccm, receiveAccm } }),
      );
    } catch (error) {
      this.#logger.debug({ error }, "the ACCM was not told to the LAC");
    }
  }

  #down(why: PppDownReason): void {
    this.#ended = true;
    const call = this.#call;
    const cdn =
      this.#cdn === undefined ? cdnOfPpp(why) : Object.assign({}, this.#cdn, { disconnect: why.disconnect });
    if (this.#cdn === undefined) call.cause ??= reasonOfPpp(why);
    this.#host.driver.command((endpoint, now) => {
      if (this.#cdn === undefined) endpoint.dropCarrier(now, call.handle, cdn);
      else endpoint.closeSession(now, call.handle, cdn);
    });
  }
}

/** Whose end of the call is the caller's: a LAC speaks for whoever called it, an LNS that asks for a call places it. */
const PLACED: readonly CallKind[] = ["lac-incoming", "lns-outgoing"];

/** Profiles by what the path takes, and who called: thousands of sessions share one. */
const fitted = new WeakMap<PppProfile, Map<string, PppProfile>>();

/** The profile with an MRU and MTU that need no fragments: what the path takes, less what goes around a packet. */
function forCall(profile: PppProfile, mtuOctets: number, kind: CallKind): PppProfile {
  const { settings, ipv6 } = profile;
  const caller = profile.caller ?? (settings.authenticateSelf !== undefined && PLACED.includes(kind));
  if (settings.mru <= mtuOctets && settings.mtu <= mtuOctets && settings.caller === caller) return profile;
  const known = fitted.get(profile) ?? new Map<string, PppProfile>();
  fitted.set(profile, known);
  const mru = Math.min(settings.mru, mtuOctets);
  const mtu = Math.min(settings.mtu, mtuOctets);
  const key = `${mtuOctets} ${caller}`;
  const made = known.get(key) ?? {
    ...profile,
    settings: { ...settings, mru, mtu, caller },
    ipv6: caller && ipv6.isRoleUsual ? { ...ipv6, role: "host" } : ipv6,
  };
  known.set(key, made);
  return made;
}

/** Ends that somebody decided on; others are a loss of carrier. */
const ADMINISTRATIVE: readonly PppDownReason["code"][] = [
  "closed",
  "session-timeout",
  "idle-timeout",
  "replaced",
  "authentication-failed",
  "authentication-refused",
  "no-address",
];

/** What the CDN says of a PPP that has ended (RFC 2661 §4.4.2, RFC 3145). */
function cdnOfPpp({ code, disconnect }: PppDownReason): CdnFacts {
  return { result: ADMINISTRATIVE.includes(code) ? 3 : 1, disconnect };
}
