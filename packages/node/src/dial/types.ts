/** The words of dialling: whom, when, and how it went. */
import type { Instant, IpAddress, SocketAddress } from "@l2tp/protocol";

/** One LNS that can be dialled. */
export interface LnsTarget {
  /** IPv4 or IPv6 address, or a name that is resolved again at every try. */
  readonly host: string;
  /** UDP port; default 1701. */
  readonly port?: number;
  /** As in DNS SRV (RFC 2782): 0 to 65,535, the lowest is tried first. Default 0. */
  readonly priority?: number;
  /** Share among targets of one priority, 0 to 65,535; 0 is hardly ever first. Default 1. */
  readonly weight?: number;
}

/** How targets are chosen. */
export interface TargetSettings {
  /** Family that is tried first where a name has addresses of both; `only` leaves the other out. Default: the resolver's order. */
  readonly family?: { readonly prefer: 4 | 6; readonly only?: boolean };
  /** A target that failed is left alone for this long while there are others, doubling at each failure; 10 s. */
  readonly lockOutMs?: number;
  /** The longest lock-out; 10 minutes. */
  readonly maxLockOutMs?: number;
  /** While a less preferred target serves, those before it that failed are left alone for this long; 5 minutes. */
  readonly failBackMs?: number;
  /**
   * What happens when a preferred target may be tried again: `new-tunnels`, the default, uses it for the next tunnel that
   * is opened; `move` asks for a tunnel to it at once, beside the one that is up.
   */
  readonly failBack?: "new-tunnels" | "move";
}

/** When a tunnel is dialled, and dialled again. */
export interface RedialSettings {
  /**
   * `at-start`: at once, and again whenever it has ended. `on-demand`: when `dial` is called, and until it is up.
   * `manual`: as `on-demand`, but without further tries. Default `at-start`.
   */
  readonly mode?: "at-start" | "on-demand" | "manual";
  /** Try again after a failure; default true, in mode `manual` false. */
  readonly redial?: boolean;
  /** Wait before the first new try; 1 s. Doubles with each failure. */
  readonly initialMs?: number;
  /** The longest wait; 60 s. The same as `initialMs`: always that long, as xl2tpd's `redial timeout`. */
  readonly maxMs?: number;
  /** How far a wait may differ either way, as a part of it; 0.2. */
  readonly jitter?: number;
  /** New tries after which no more follow until `dial` is called, as xl2tpd's `max redials`; 0, the default: no limit. */
  readonly maxRedials?: number;
  /** A tunnel that was up for this long was a success: waits, tries and lock-outs begin anew when it has ended; 60 s. */
  readonly stableMs?: number;
  /** While this host has no network: wait between tries, and for how long it is kept so short; 500 ms, 15 s. */
  readonly quickMs?: number;
  readonly quickForMs?: number;
  /** So much more of wall time than of the monotonic clock's between two looks: the host slept; 5 s. */
  readonly sleptMs?: number;
}

/** All of a dialler. */
export interface DialSettings extends TargetSettings, RedialSettings {
  /** Name for messages: the tunnel's. */
  readonly name?: string;
  /** One at least. */
  readonly targets: readonly LnsTarget[];
}

/** An address of a target, to be dialled now. */
export interface ChosenTarget {
  /** Place in {@link DialSettings.targets}. */
  readonly index: number;
  /** As configured: address or name. */
  readonly host: string;
  /** What it resolved to. */
  readonly peer: SocketAddress;
  /** A tunnel to somebody less preferred is up, and stays so until this one is (`failBack: "move"`). */
  readonly isFailBack: boolean;
}

/** What to do next: dial `target` when there is one, and ask again at `at` when there is a time. */
export interface DialStep {
  /** Dial this one now, then tell `succeeded` or `failed`. */
  readonly target?: ChosenTarget;
  /** Ask again at this time, on the same clock; absent: after `dial`, `failed`, `down` or `succeeded`. */
  readonly at?: Instant;
  /** For people: `redial 3 in 8 s`, `up`, `waiting for dial`. */
  readonly why: string;
}

/** How a try went wrong, or why a tunnel ended. */
export interface DialFailure {
  /**
   * `lns`: this target does not serve us. `try-another`: it sent us on (General Error 7, or 4). `network`: we could not
   * even send, and no LNS is to blame. `closed`: ended here on purpose; nothing is dialled until `dial`.
   */
  readonly kind: "lns" | "try-another" | "network" | "closed";
  /** For people. */
  readonly text: string;
}

/** What a dialler tells. */
export type DialEvent =
  /** The name of a target has no address now. It is looked up again at the next try. */
  | { readonly type: "unresolved"; readonly at: Instant; readonly host: string; readonly text: string }
  /** No more tries until `dial`. */
  | { readonly type: "gave-up"; readonly at: Instant; readonly tries: number; readonly text: string }
  /** A target is left alone until `until`. */
  | {
      readonly type: "locked-out";
      readonly at: Instant;
      readonly host: string;
      readonly until: Instant;
      readonly text: string;
    }
  /** This host slept, or had no network, and dials at once. */
  | { readonly type: "woke"; readonly at: Instant; readonly text: string };

/** One target, for people. */
export interface TargetStatus {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
  /** `up`: a tunnel to it is up; `trying`; `locked-out`; `ready`. */
  readonly state: "up" | "trying" | "locked-out" | "ready";
  /** Address that was dialled last. */
  readonly address?: IpAddress;
  readonly lockedUntil?: Instant;
  /** Failures since the last success, tries and successes in all. */
  readonly failures: number;
  readonly tries: number;
  readonly successes: number;
  readonly lastReason?: string;
}

/** A dialler, for people. */
export interface DialerStatus {
  readonly state: "idle" | "waiting" | "dialling" | "up" | "gave-up";
  /** The same in words. */
  readonly text: string;
  readonly mode: "at-start" | "on-demand" | "manual";
  /** New tries since the last success. */
  readonly redials: number;
  readonly nextAt?: Instant;
  readonly lastReason?: string;
  readonly targets: readonly TargetStatus[];
}

/** An address that a name has. */
export interface ResolvedAddress {
  readonly address: IpAddress;
  readonly family: 4 | 6;
}

/** All addresses of a name, the preferred first. Rejects with an error whose message is for people. */
export type Resolver = (name: string) => Promise<readonly ResolvedAddress[]>;
