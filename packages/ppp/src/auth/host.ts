/** What both sides of authentication need of their link. */
import type { Random } from "../lcp.ts";
import type { MppeStartKeys } from "../mppe-keys.ts";
import type { Accepted, Credentials } from "./question.ts";

/** See the file's head; one object per link. */
export interface AuthHost {
  readonly random: Random;
  transmit(protocol: number, packet: Uint8Array): void;
  count(counter: "malformed" | "unexpected"): void;
  /** Asks whoever knows the users; the answer comes to the authenticator's `decide`. */
  ask(now: number, credentials: Credentials): void;
  /** The peer proved who it is; on being asked again too. */
  peerProved(now: number, name: string, decision: Accepted): void;
  /** It did not, or not in time. */
  peerFailed(now: number, why: string): void;
  /** The peer believes us. */
  weProved(now: number, keys: MppeStartKeys | undefined): void;
  /** It does not, or could not prove itself in return. */
  weFailed(now: number, why: string, error: number): void;
  /** Whether `challenge` is one that we wait for an answer to: answering it would answer ourselves (RFC 1994 §5). */
  isOurChallenge(challenge: Uint8Array): boolean;
}
