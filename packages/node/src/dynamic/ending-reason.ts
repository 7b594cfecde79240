/** From how the control plane says that something ended to the reason that events and states have. */
import { type Ending, endingText } from "@l2tp/control";
import { PPP_REMEDIES } from "@l2tp/ppp";
import { ParameterError } from "../errors.ts";
import type { PppDownReason, PppRun } from "../ppp/index.ts";
import { HUNG_UP, type Reason, type ReasonCode, reason, reasonOf } from "../reason.ts";

const CODES: Partial<Record<Ending["cause"], ReasonCode>> = {
  "local-close": "closed",
  "tunnel-ended": "tunnel-down",
};

/** An ending as a reason; its remedy is the ending's. */
export function reasonOfEnding(ending: Ending): Reason {
  const { cause, remedy } = ending;
  const text = endingText(ending);
  const tail = `; ${remedy}`;
  return {
    code: CODES[cause] ?? (cause as ReasonCode),
    text: text.endsWith(tail) ? text.slice(0, -tail.length) : text,
    remedy,
  };
}

/** PPP of ours ended by itself, and its call with it. */
export function reasonOfPpp({
  code,
  text,
  disconnect,
}: Pick<PppDownReason, "code" | "text" | "disconnect">): Reason {
  const kind = kindOfPpp(disconnect.code, disconnect.direction);
  const remedy: string | undefined = (REMEDIES as Readonly<Partial<Record<typeof code, string>>>)[code];
  return {
    ...reason("ppp", `PPP ended: ${text}`),
    ...(remedy !== undefined && { remedy }),
    ...(kind !== undefined && { kind }),
  };
}

/** PPP's own, and those of what only we know. */
const REMEDIES = {
  ...PPP_REMEDIES,
  "no-address":
    "`l2tpctl pools` shows what is in use: give the pool more (`ranges`), or another after it (`next`)",
} as const satisfies Readonly<Partial<Record<PppDownReason["code"], string>>>;

/** Disconnect Cause Codes that only say that somebody ended PPP (RFC 3145 §2.1): "administrative", "normal", "busy". */
const JUST_ENDED: readonly number[] = [1, 2, 3];
const [BY_PEER, BY_US] = [1, 2];
const NOT_ACCEPTED = 16;

/**
 * One for both ways in which the end of PPP is heard of, our own PPP and the CDN.
 * @param direction - as we see it: 0 either, 1 the peer, 2 we.
 */
function kindOfPpp(code: number, direction: number): string | undefined {
  if (code === 0) return undefined;
  if (JUST_ENDED.includes(code)) return direction === BY_PEER ? HUNG_UP : undefined;
  return `ppp ${code} ${direction}`;
}

/** The other end calls the peer what is us. */
const turned = (direction: number): number =>
  direction === BY_PEER ? BY_US : direction === BY_US ? BY_PEER : direction;

/** What PPP of ours knew when its call ended. */
export interface PppAtEnd {
  readonly trouble: PppRun["trouble"] | undefined;
  /** Who was to prove who it is, and had not yet. */
  readonly proving: "we" | "peer" | undefined;
}

/**
 * The same for a call, in one sentence from all that is known: a peer that hangs up seldom says more than that it does, while
 * PPP knows whom it refused, what the peer's good-bye was, or how far it had come.
 */
export function reasonOfCallsEnd(ending: Ending, { trouble, proving }: PppAtEnd): Reason {
  const plain = reasonOfEnding(ending);
  if (ending.by !== "peer") return plain;
  const { refusal, terminating } = trouble ?? {};
  if (refusal !== undefined) {
    return {
      ...reason("ppp", `PPP ended: ${refusal.reason}`),
      remedy: REMEDIES[refusal.isAddress ? "no-address" : "authentication-failed"],
    };
  }
  const { code = 0, direction = 0 } = ending.disconnect ?? {};
  if (code !== 0) return { ...plain, kind: kindOfPpp(code, turned(direction)) ?? HUNG_UP };
  if (terminating !== undefined) {
    // The peer's CDN was faster than the good-byes of PPP; without it, this would be the reason.
    const ofPpp = reasonOfPpp(terminating);
    return { ...plain, ...ofPpp, kind: ofPpp.kind ?? HUNG_UP };
  }
  const isPlain = ending.message === "CDN" && (ending.result === 1 || ending.result === 3);
  if (proving === undefined)
    return isPlain && ending.text === undefined ? { ...plain, kind: HUNG_UP } : plain;
  // Many do not say that a password was wrong: they hang up.
  return proving === "we"
    ? {
        code: plain.code,
        text: `${plain.text}, while we had to prove who we are`,
        remedy: PPP_REMEDIES["authentication-refused"],
        kind: kindOfPpp(NOT_ACCEPTED, BY_US) as string,
      }
    : { ...plain, text: `${plain.text}, before it had proved who it is` };
}

/** What the control plane, the data plane or the system throws, as a reason. */
export function reasonOfError(error: unknown): Reason {
  const code = (error as { code?: unknown }).code;
  if (error instanceof Error && typeof code === "string" && code.startsWith("ERR_L2TP_")) {
    return reason(code === "ERR_L2TP_LIMIT" ? "limit" : "invalid-parameters", error.message);
  }
  return error instanceof ParameterError ? reason("invalid-parameters", error.message) : reasonOf(error);
}
