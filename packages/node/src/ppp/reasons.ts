/** Why PPP sessions end: PPP's reasons and ours, with what a CDN says of them (RFC 3145 §2). */
import { type DownReason, PROTOCOL } from "@l2tp/ppp";
import type { PppDownCode, PppDownReason } from "./events.ts";
import type { AdmissionRefusal } from "./host.ts";

/** Whose doing an end is, and which protocol's: `auth` is the one that was spoken last. */
const CODES: Readonly<
  Record<PppDownCode, readonly [by: PppDownReason["by"], protocol: "none" | "lcp" | "auth" | "ncp"]>
> = {
  closed: ["local", "none"],
  "peer-terminated": ["peer", "none"],
  "lower-layer-down": ["network", "none"],
  "lcp-timeout": ["network", "lcp"],
  "lcp-not-converging": ["peer", "lcp"],
  "lcp-rejected": ["peer", "lcp"],
  "looped-back": ["network", "lcp"],
  "no-echo": ["network", "lcp"],
  "authentication-protocol": ["peer", "auth"],
  "authentication-failed": ["local", "auth"],
  "authentication-refused": ["peer", "auth"],
  "no-network-protocol": ["peer", "ncp"],
  address: ["peer", "ncp"],
  encryption: ["local", "none"],
  "session-timeout": ["local", "none"],
  "idle-timeout": ["local", "none"],
  replaced: ["local", "none"],
  "data-plane": ["local", "none"],
  "no-address": ["local", "ncp"],
};

/** Ends that this side decided on: PPP Disconnect Cause Code, direction, words for the other side. */
const OURS = {
  "session-timeout": [3, 2, "session time-out"],
  "idle-timeout": [3, 2, "idle time-out"],
  replaced: [1, 2, "another session of the same user"],
  "data-plane": [0, 2, "no resources"],
  "no-address": [20, 2, "no address available"],
} as const;

/** An end that this side decided on, while PPP only knows that it was closed. */
export interface OwnEnd {
  readonly code: keyof typeof OURS;
  /** For people here. */
  readonly text: string;
}

/**
 * The reason with all that is known of it.
 * @param spoken - number of the authentication protocol that was spoken last; 0: none was.
 */
export function pppDownReason(
  reason: DownReason,
  spoken: number,
  own: OwnEnd | undefined,
  refusal: AdmissionRefusal | undefined,
): PppDownReason {
  const isRefused = reason.code === "authentication-failed" && refusal !== undefined;
  const end = isRefused && refusal.isAddress ? ({ code: "no-address", text: refusal.reason } as const) : own;
  if (end !== undefined && (isRefused || reason.code === "closed" || reason.code === "lower-layer-down")) {
    const [code, direction, text] = OURS[end.code];
    return {
      code: end.code,
      disconnect: { code, direction, protocol: number(end.code, spoken), text },
      by: CODES[end.code][0],
      text: end.text,
    };
  }
  return {
    code: reason.code,
    disconnect: {
      code: reason.disconnectCode,
      direction: reason.direction,
      protocol: number(reason.code, spoken),
      text: reason.text,
    },
    by: CODES[reason.code][0],
    text: isRefused ? `${reason.text}: ${refusal.reason}` : reason.text,
  };
}

function number(code: PppDownCode, spoken: number): number {
  const which = CODES[code][1];
  if (which === "none") return 0;
  return which === "auth" ? spoken : which === "ncp" ? PROTOCOL.ipcp : PROTOCOL.lcp;
}
