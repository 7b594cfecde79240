/** What the end of a tunnel, or an error, means for who is dialled next. */
import { type Ending, endingText } from "@l2tp/control";
import { PlaneError, type PlaneErrorCode } from "@l2tp/dataplane";
import { ResolveError } from "./resolver.ts";
import type { DialFailure } from "./types.ts";

/** Causes for which this end closed the tunnel on purpose: it is not dialled again by itself. */
const ON_PURPOSE: readonly Ending["cause"][] = ["local-close", "shut-down", "drained", "idle"];
/** Errors of the data plane that say that this host has no network just now, whoever is dialled. */
const NO_NETWORK: readonly PlaneErrorCode[] = ["no-route", "address-not-local", "route-through-itself"];
/** The same in the system's words. */
const NO_NETWORK_ERRNO: readonly unknown[] = ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EADDRNOTAVAIL"];

/** Reads an ending of a tunnel, an error, or what is a failure already. */
export function dialFailure(what: DialFailure | Ending | Error): DialFailure {
  if (what instanceof Error) return { kind: isNetwork(what) ? "network" : "lns", text: what.message };
  if ("kind" in what) return what;
  if (what.tryAnother) return { kind: "try-another", text: endingText(what) };
  const onPurpose = what.by === "local" && ON_PURPOSE.includes(what.cause);
  return { kind: onPurpose ? "closed" : "lns", text: endingText(what) };
}

function isNetwork(error: Error): boolean {
  if (error instanceof PlaneError) return NO_NETWORK.includes(error.code);
  if (error instanceof ResolveError) return error.code === "no-answer";
  return NO_NETWORK_ERRNO.includes((error as { code?: unknown }).code);
}
