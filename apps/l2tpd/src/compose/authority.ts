/** `Rules` of the document, with the profiles filled in that a rule leaves to its tunnel's or session's profile. */
import type {
  AddressLease,
  Authority,
  CallGrant,
  CallRequest,
  LeaseRequest,
  PeerGrant,
  PeerRequest,
  Refusal,
  Rules,
  UserGrant,
  UserRequest,
} from "@l2tp/access";
import type { ProfilesConfig } from "@l2tp/config";

/** The one that all inherit from. */
const DEFAULT = "default";

/** See the file's head. */
export class ConfiguredAuthority implements Authority {
  readonly #rules: Rules;
  #profiles: ProfilesConfig;

  constructor(rules: Rules, profiles: ProfilesConfig) {
    this.#rules = rules;
    this.#profiles = profiles;
  }

  /** After a reload. */
  configure(profiles: ProfilesConfig): void {
    this.#profiles = profiles;
  }

  peer(request: PeerRequest): PeerGrant | Refusal {
    const answer = this.#rules.peer(request);
    if (!answer.accept) return answer;
    const tunnelProfile = answer.tunnelProfile ?? DEFAULT;
    const tunnel = this.#profiles.tunnel.find(({ name }) => name === tunnelProfile);
    const sessionProfile = answer.sessionProfile ?? tunnel?.sessionProfile ?? DEFAULT;
    const pppProfile = answer.pppProfile ?? this.#pppOf(sessionProfile) ?? tunnel?.pppProfile ?? DEFAULT;
    return { ...answer, tunnelProfile, sessionProfile, pppProfile };
  }

  call(request: CallRequest): CallGrant | Refusal {
    const answer = this.#rules.call(request);
    if (!answer.accept || answer.sessionProfile === undefined || answer.pppProfile !== undefined) {
      return answer;
    }
    return Object.assign({}, answer, { pppProfile: this.#pppOf(answer.sessionProfile) ?? DEFAULT });
  }

  user(request: UserRequest): UserGrant | Refusal {
    return this.#rules.user(request);
  }

  lease(request: LeaseRequest): AddressLease | Refusal {
    return this.#rules.lease(request);
  }

  release(session: string): void {
    this.#rules.release(session);
  }

  #pppOf(sessionProfile: string): string | undefined {
    return this.#profiles.session.find(({ name }) => name === sessionProfile)?.pppProfile;
  }
}
