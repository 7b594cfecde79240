/** Names to addresses, as the rest of the system does it (`/etc/hosts`, mDNS and all): `getaddrinfo`, within a time limit. */
import { lookup } from "node:dns/promises";
import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedAddress, Resolver } from "./types.ts";

/** A name has no address now. The message is for people. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
  /** `no-such-name`: there is no such name, or it has no address. `no-answer`: nobody was there to say. */
  readonly code: "no-such-name" | "no-answer";

  constructor(code: "no-such-name" | "no-answer", message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** How {@link dnsResolver} asks. */
export interface DnsResolverOptions {
  readonly clock?: Clock;
  /** Longest wait for an answer; 10 s. (`getaddrinfo` cannot be called off: what comes later is not used.) */
  readonly timeoutMs?: number;
  /** What answers; default `getaddrinfo`, in the system's order. */
  readonly lookup?: (name: string) => Promise<readonly { address: string; family: number }[]>;
}

/** @returns a resolver that asks the system, for A and AAAA, each time. */
export function dnsResolver(options: DnsResolverOptions = {}): Resolver {
  const { clock = systemClock, timeoutMs = 10_000 } = options;
  const ask = options.lookup ?? ((name) => lookup(name, { all: true, verbatim: true }));
  return (name) =>
    new Promise((resolve, reject) => {
      const giveUp = clock.after(timeoutMs, () =>
        reject(
          new ResolveError("no-answer", `${name}: no answer from the resolver in ${timeoutMs / 1000} s`),
        ),
      );
      ask(name)
        .then(
          (found) => resolve(addresses(found)),
          (error: unknown) => reject(resolveError(name, error)),
        )
        .finally(giveUp);
    });
}

const addresses = (found: readonly { address: string; family: number }[]): ResolvedAddress[] =>
  found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));

function resolveError(name: string, cause: unknown): ResolveError {
  const code = (cause as { code?: unknown }).code;
  if (code === "ENOTFOUND" || code === "ENODATA") {
    return new ResolveError("no-such-name", `${name}: no such name, or no address for it (${code})`, {
      cause,
    });
  }
  return new ResolveError("no-answer", `${name}: the resolver did not answer (${String(code ?? cause)})`, {
    cause,
  });
}
