/** What a session is made of. */
import type { SwitchPpp } from "@l2tp/access";
import type { CallKind, SessionOpening } from "@l2tp/control";
import type { SocketAddress } from "@l2tp/protocol";
import type { Logger } from "../log.ts";
import type { TunnelTotals } from "../totals.ts";
import type { Origin, SessionDefaults } from "./api.ts";
import type { Connection } from "./connection.ts";

/** What a session needs of its tunnel. */
export interface SessionTunnel {
  readonly name: string;
  readonly peerName: string;
  readonly tunnelId: number;
  readonly peer: SocketAddress;
  readonly logger: Logger;
  /** While it is up. */
  readonly connection: Connection | undefined;
  /** Somebody wants a call on it. */
  dial(): void;
  forget(session: { readonly name: string }): void;
  /** What sessions of it have carried. */
  readonly totals: TunnelTotals;
}

/** How a session is to be, but for its name. */
export interface SessionSettings {
  readonly kind: CallKind;
  readonly origin: Origin;
  /** Absent of an accepted one. */
  readonly opening?: SessionOpening;
  readonly defaults: SessionDefaults;
  /** Open it again when it has ended. */
  readonly redial: boolean;
  /** Whether it stays, without a call, for `dial()`. */
  readonly stays: boolean;
  readonly auto: boolean;
  /** Its frames are passed on to another session: at once, or when PPP here has ended LCP and authentication. */
  readonly passedOn?: SwitchPpp | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Settings of calls that came in. Those of one profile are alike, and share theirs: of a hundred thousand calls each would
 * cost more than the call.
 */
export class AcceptedSettings {
  #last: SessionSettings | undefined;

  of(kind: CallKind, defaults: SessionDefaults, passedOn: SwitchPpp | undefined): SessionSettings {
    const last = this.#last;
    if (last?.kind === kind && last.passedOn === passedOn && alike(last.defaults, defaults)) return last;
    const { ppp, interface: given, mtu, reorderMs, sendSequence, placed } = defaults;
    this.#last = {
      kind,
      origin: "accepted",
      // What an answer has beside these is none of the session's.
      defaults: {
        ...(ppp !== undefined && { ppp }),
        ...(given !== undefined && { interface: given }),
        ...(mtu !== undefined && { mtu }),
        ...(reorderMs !== undefined && { reorderMs }),
        ...(sendSequence !== undefined && { sendSequence }),
        ...(placed !== undefined && { placed }),
      },
      redial: false,
      stays: false,
      auto: false,
      passedOn,
    };
    return this.#last;
  }
}

/** What they refer to is of profiles, which do not change; only what runs PPP is said anew for each call. */
const alike = (a: SessionDefaults, b: SessionDefaults): boolean =>
  a.interface === b.interface &&
  a.mtu === b.mtu &&
  a.reorderMs === b.reorderMs &&
  a.sendSequence === b.sendSequence &&
  a.placed === b.placed &&
  (a.ppp === b.ppp || (a.ppp?.by === "own" && b.ppp?.by === "own" && a.ppp.profile === b.ppp.profile));
