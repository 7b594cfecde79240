/** What PPP sessions of a context share, and what each is told of the call that it runs on. */
import type { Authority } from "@l2tp/access";
import type { PppLink } from "@l2tp/dataplane";
import type { ProxyInformation } from "@l2tp/ppp";
import type { SocketAddress } from "@l2tp/protocol";
import type { Alarms } from "../alarms.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { PppDownReason, PppSessionEvent, PppStatus } from "./events.ts";
import type { PppProfile } from "./profile.ts";
import type { UserRegister } from "./user-register.ts";

/** One for each context. */
export interface PppHost {
  readonly clock: Clock;
  readonly alarms: Alarms;
  /** Octets that nobody can predict: `(n) => crypto.getRandomValues(new Uint8Array(n))`. */
  readonly random: (octets: number) => Uint8Array;
  readonly logger: Logger;
  /** Who knows users and addresses. Absent: nobody can authenticate here; settings give all addresses. */
  readonly authority?: Authority;
  readonly users: UserRegister;
  /** Who we are in DHCPv6 (RFC 8415 §11), for all links; from `newDuid`, kept over restarts where that is possible. */
  readonly duid: Uint8Array;
}

/** The call that a PPP session runs on. */
export interface PppCall {
  /** Names of tunnel and session. */
  readonly tunnel: string;
  readonly session: string;
  readonly peer: SocketAddress;
  readonly callingNumber?: string;
  readonly calledNumber?: string;
  /** What the LAC has negotiated already (RFC 2661 §4.4.5); see `proxyOf`. */
  readonly proxy?: ProxyInformation;
}

/** What a `PppRunner` is made of. */
export interface PppRunnerOptions {
  readonly host: PppHost;
  /** Of the session's plane, made with `profile.link` as `SessionPlaneParameters.pppLink`. */
  readonly link: PppLink;
  readonly profile: PppProfile;
  readonly call: PppCall;
  readonly listener: PppListener;
}

/** Whoever runs the call that PPP is on. */
export interface PppListener {
  /** Of the session's plane; it may be known only when the link is configured. */
  readonly interfaceName?: string | undefined;
  /** Called synchronously; must not throw. `down` is the last. */
  onEvent(event: PppSessionEvent): void;
}

/** Why the peer was not let in, for our own log; `isAddress`: it proved who it is, and there was no address for it. */
export interface AdmissionRefusal {
  readonly reason: string;
  readonly isAddress: boolean;
}

/** One PPP session from outside: what `PppRunner` does. */
export interface PppRun {
  /** The call is up: LCP begins. Only the first call counts. */
  start(): void;
  /** Ends the link in order, within the profile's limit; resolves after `down`. Idempotent. @param text - why, for people. */
  close(text?: string): Promise<void>;
  /** The call below is gone: `down` follows at once, and nothing is sent any more. */
  lowerDown(): void;
  status(): PppStatus;
  /** Whom we refused last, and why; and why the link is being terminated. For whoever has to say why the call ended. */
  readonly trouble: {
    readonly refusal: AdmissionRefusal | undefined;
    readonly terminating: Pick<PppDownReason, "code" | "text" | "disconnect"> | undefined;
  };
}
