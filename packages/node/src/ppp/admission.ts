/**
 * Who the peer is and what it may have: one session's conversation with the authority. Each question may take its time; an
 * answer that comes when the session has ended, or when the peer has begun anew, changes nothing. What was leased is given
 * back exactly once, whatever happens.
 */
import type { AddressLease, Authority, Refusal, UserGrant, UserRequest } from "@l2tp/access";
import {
  type AuthMethod,
  answerFromSecret,
  type Credentials,
  type Decision,
  MppeStartKeys,
  type PppEvent,
  type Refused,
} from "@l2tp/ppp";
import { printable } from "@l2tp/protocol";
import { type SessionGrant, sessionGrant, ungranted } from "./grants.ts";
import type { AdmissionRefusal, PppCall, PppHost } from "./host.ts";
import type { PppProfile } from "./profile.ts";
import type { UserSession } from "./user-register.ts";

type Question = Extract<PppEvent, { type: "question" }>;

/** What an admission needs of its session. */
export interface AdmissionOwner extends UserSession {
  /** Tells PPP. @returns false when the question is not open any more. */
  decide(token: number, decision: Decision): boolean;
}

/** Who has been let in. */
export interface Member {
  readonly user: string;
  readonly method: AuthMethod | "none";
}

/** Keys of leases are never used twice, so that a late release cannot hit a later session of the same name. */
let lastKey = 0;

/** Addresses that were leased, until they are given back. */
interface Held {
  readonly key: string;
  readonly granted: AddressLease;
}

const GRANTS_NOTHING_TO_CHECK = "the authority let the user in with neither a secret nor its own word for it";
const REFUSED_TEXT = "Authentication failed";

/** See the file's head. */
export class Admission {
  readonly #host: PppHost;
  readonly #profile: PppProfile;
  readonly #call: PppCall;
  readonly #owner: AdmissionOwner;
  /** Counts questions: an answer to an older one changes nothing. */
  #generation = 0;
  #hasEnded = false;
  #held: Held | undefined;
  /** The user that the session is noted for. */
  #claimed: string | undefined;
  #member: Member | undefined;
  #grant: SessionGrant;
  #refusal: AdmissionRefusal | undefined;

  constructor(host: PppHost, profile: PppProfile, call: PppCall, owner: AdmissionOwner) {
    this.#host = host;
    this.#profile = profile;
    this.#call = call;
    this.#owner = owner;
    this.#grant = ungranted(profile);
  }

  /** What the session has now. */
  get grant(): SessionGrant {
    return this.#grant;
  }

  get member(): Member | undefined {
    return this.#member;
  }

  /** Why the peer was not let in last; `undefined`: it was, or was not asked yet. */
  get refusal(): AdmissionRefusal | undefined {
    return this.#refusal;
  }

  /** PPP asks who the peer is. */
  ask({ token, credentials }: Question): void {
    this.#generation += 1;
    const generation = this.#generation;
    this.#answer(generation, token, credentials).catch((error: unknown) => {
      // An authority that answers with what is no answer.
      if (this.#isStale(generation)) return;
      this.#leave();
      const reason = `the answer of the authority is none: ${messageOf(error)}`;
      this.#refuse(token, credentials, { reason }, { message: REFUSED_TEXT, ...FINAL });
    });
  }

  /**
   * Addresses for a peer that does not have to say who it is.
   * @returns what it gets; `undefined`: nothing, see {@link refusal}, or the session has ended.
   */
  async anonymous(): Promise<SessionGrant | undefined> {
    this.#generation += 1;
    const grant: UserGrant = { accept: true };
    const held = await this.#take(this.#generation, "", grant);
    if (held === "stale") return undefined;
    if ("accept" in held) {
      this.#refusal = { reason: held.reason, isAddress: true };
      return undefined;
    }
    return this.#settle(grant, held);
  }

  /** The session ends: what was leased is free. Idempotent. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#leave();
  }

  async #answer(generation: number, token: number, credentials: Credentials): Promise<void> {
    const { authority } = this.#host;
    const grant: UserGrant | Refusal =
      authority === undefined
        ? { accept: false, reason: "no authority is configured, so nobody here knows users" }
        : await settled(() => authority.user(this.#request(credentials)));
    if (this.#isStale(generation)) return;
    if (!grant.accept) {
      answerFromSecret(credentials, undefined); // takes the time that a wrong password takes
      this.#refuse(token, credentials, grant, { message: grant.text ?? REFUSED_TEXT });
      return;
    }
    const proof = verify(credentials, grant);
    if (!proof.accept) {
      const reason = isVerifiable(credentials, grant) ? "its proof was wrong" : GRANTS_NOTHING_TO_CHECK;
      this.#refuse(token, credentials, { reason }, proof);
    } else if (credentials.again) this.#owner.decide(token, proof);
    else await this.#admit(generation, token, credentials, grant, proof);
  }

  /** The peer is who it says; may it have a session now, and which addresses? */
  async #admit(
    generation: number,
    token: number,
    credentials: Credentials,
    grant: UserGrant,
    proof: Decision,
  ) {
    const name = grant.user ?? credentials.name;
    // Who negotiates anew as the same user keeps what it has; as another, it begins with nothing.
    if (this.#claimed !== name) this.#leave();
    const other = this.#host.users.claim(name, this.#owner, grant.exclusive ?? this.#profile.exclusive);
    // Whom it replaced may have been told of it, and have ended us.
    if (this.#isStale(generation)) return;
    if (other !== undefined) {
      const reason = `it has a session already: ${other.label}`;
      return this.#refuse(token, credentials, { reason }, { message: "Already connected", ...FINAL });
    }
    this.#claimed = name;
    const held = this.#held ?? (await this.#take(generation, name, grant));
    if (held === "stale") return;
    if ("accept" in held) {
      this.#leave();
      const message = held.text ?? "No address is available";
      return this.#refuse(token, credentials, held, { message, ...FINAL }, true);
    }
    this.#held = held;
    const granted = this.#settle(grant, held);
    if (granted === undefined) {
      this.#leave();
      const { reason = "" } = this.#refusal ?? {};
      return this.#refuse(
        token,
        credentials,
        { reason },
        { message: "No address is available", ...FINAL },
        true,
      );
    }
    this.#member = { user: name, method: credentials.method };
    this.#refusal = undefined;
    // Too late: nobody waits for the answer any more.
    if (!this.#owner.decide(token, { grants: granted.grants, ...proof } as Decision)) this.#leave();
  }

  /** Who has addresses for it; of a session that goes on elsewhere, the LNS there. */
  get #lessor(): Authority | undefined {
    return this.#profile.settings.handOver ? undefined : this.#host.authority;
  }

  /** Asks for addresses. What comes too late is given back. */
  async #take(generation: number, user: string, grant: UserGrant): Promise<Held | Refusal | "stale"> {
    lastKey += 1;
    const key = `${this.#owner.label}#${lastKey}`;
    const { pool } = this.#profile;
    const authority = this.#lessor;
    const granted = authority
      ? await settled(() =>
          authority.lease({ session: key, user, grant, ...(pool !== undefined && { pool }) }),
        )
      : {};
    if ("accept" in granted) return this.#isStale(generation) ? "stale" : granted;
    if (!this.#isStale(generation)) return { key, granted };
    this.#release(key);
    return "stale";
  }

  #settle(grant: UserGrant, held: Held): SessionGrant | undefined {
    this.#held = held;
    try {
      this.#grant = sessionGrant(this.#profile, grant, held.granted);
      return this.#grant;
    } catch (error) {
      this.#refusal = { reason: `what was granted cannot be: ${messageOf(error)}`, isAddress: true };
      return undefined;
    }
  }

  #isStale(generation: number): boolean {
    return this.#hasEnded || generation !== this.#generation;
  }

  /** Gives back what the session has. */
  #leave(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#release(held.key);
    if (this.#claimed !== undefined) this.#host.users.release(this.#claimed, this.#owner);
    this.#claimed = undefined;
    this.#member = undefined;
    this.#grant = ungranted(this.#profile);
  }

  #release(key: string): void {
    try {
      this.#lessor?.release(key);
    } catch (error) {
      this.#host.logger.error({ error }, `${this.#owner.label}: the authority could not take addresses back`);
    }
  }

  #refuse(
    token: number,
    credentials: Credentials,
    { reason }: { readonly reason: string },
    words: Omit<Refused, "accept">,
    isAddress = false,
  ): void {
    const who = credentials.name === "" ? "an unnamed peer" : `user ${printable(credentials.name)}`;
    this.#refusal = { reason: `${who}: ${reason}`, isAddress };
    // Whoever runs the call says it in the one line that tells how the session ended.
    this.#host.logger.debug(
      { method: credentials.method },
      `${this.#owner.label}: refused ${who}: ${reason}`,
    );
    this.#owner.decide(token, { accept: false, ...words });
  }

  #request(credentials: Credentials): UserRequest {
    const { tunnel, session, peer, callingNumber, calledNumber } = this.#call;
    const { name, method } = credentials;
    return {
      name,
      method,
      tunnel,
      session,
      peer,
      credentials,
      profile: this.#profile.name,
      ...(callingNumber !== undefined && { callingNumber }),
      ...(calledNumber !== undefined && { calledNumber }),
    };
  }
}

/** Not what another try mends: MS-CHAP's "no dial-in permission". */
const FINAL = { error: 649, retry: false } as const;

function isVerifiable({ method }: Credentials, { secret, verified }: UserGrant): boolean {
  return method === "none" || secret !== undefined || verified !== undefined;
}

/** Whether the proof is good, from the secret that was granted, or by the authority's word. */
function verify(credentials: Credentials, { secret, verified }: UserGrant): Decision {
  if (credentials.method === "none") return { accept: true };
  if (verified === undefined) return answerFromSecret(credentials, secret);
  const { authenticatorResponse, mppeKeys } = verified;
  return {
    accept: true,
    authenticatorResponse,
    mppeKeys: mppeKeys instanceof MppeStartKeys ? mppeKeys : undefined,
  };
}

/** An answer, at once or later; an authority that throws or rejects has refused. */
async function settled<T>(ask: () => T | Promise<T>): Promise<T | Refusal> {
  try {
    return await ask();
  } catch (error) {
    return { accept: false, reason: `the authority failed: ${messageOf(error)}` };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
