/** From how the control plane says that something ended to the reason that events and states have. */
import { type Ending, endingText } from "@l2tp/control";
import { ParameterError } from "../errors.ts";
import { type Reason, type ReasonCode, reason, reasonOf } from "../reason.ts";

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

/**
 * The same for a call that the peer ended while one end had to prove who it is. Many peers do not say that a password was
 * wrong: they hang up.
 */
export function reasonWhileProving(ending: Ending, byUs: boolean): Reason {
  const { code, text } = reasonOfEnding(ending);
  return byUs
    ? {
        code,
        text: `${text}, while we had to prove who we are`,
        remedy: "compare user and password with those that the peer knows; its log may say more",
      }
    : {
        code,
        text: `${text}, while it had to prove who it is`,
        remedy: "where a user was refused, the line before says which and why",
      };
}

/** What the control plane, the data plane or the system throws, as a reason. */
export function reasonOfError(error: unknown): Reason {
  const code = (error as { code?: unknown }).code;
  if (error instanceof Error && typeof code === "string" && code.startsWith("ERR_L2TP_")) {
    return reason(code === "ERR_L2TP_LIMIT" ? "limit" : "invalid-parameters", error.message);
  }
  return error instanceof ParameterError ? reason("invalid-parameters", error.message) : reasonOf(error);
}
