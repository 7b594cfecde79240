/** Who may have a tunnel, and which calls it may make: the first rule that matches answers. */
import { type AddressNumber, type AddressRange, readAddress, readRange, within } from "./address.ts";
import type { CallGrant, CallRequest, PeerGrant, PeerRequest, Refusal } from "./authority.ts";
import { RulesError } from "./errors.ts";
import { matchesAny } from "./pattern.ts";
import type { CallRule, PeerRule } from "./rules-data.ts";

/** Reads the ranges of a rule. @throws RulesError */
export function rangesOf(where: string, texts: readonly string[] | undefined): AddressRange[] | undefined {
  return texts?.map((text, at) => {
    const read = readRange(text);
    if ("range" in read) return read.range;
    const remedy = read.remedy === undefined ? "" : `. ${read.remedy}`;
    throw new RulesError(`${where}[${at}]`, `${text} ${read.wrong}${remedy}`);
  });
}

/** Whether any of `ranges` has the address; no ranges: all do. */
export const comesFrom = (
  ranges: readonly AddressRange[] | undefined,
  address: AddressNumber | undefined,
): boolean =>
  ranges === undefined || (address !== undefined && ranges.some((range) => within(address, range)));

/** Reasons that are told of a refusal; a document may have thousands of rules. */
const MOST_REASONS = 8;

/** "a: from another address; b: …", no longer than a line that people read. */
function whyNone(reasons: readonly string[], count: number): string {
  const more = count - reasons.length;
  return reasons.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

interface Peer {
  readonly rule: PeerRule;
  readonly from: readonly AddressRange[] | undefined;
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);

/** Peer rules, in order. */
export class PeerRules {
  readonly #peers: readonly Peer[];

  /** @throws RulesError */
  constructor(rules: readonly PeerRule[] = []) {
    this.#peers = rules.map((rule) => {
      const where = `peer ${JSON.stringify(rule.name)}`;
      if ((rule.secrets?.length ?? 0) > 2) throw new RulesError(`${where}: secrets`, "two at most");
      return { rule, from: rangesOf(`${where}: from`, rule.from) };
    });
  }

  /** Answers an SCCRQ. */
  ask(request: PeerRequest): PeerGrant | Refusal {
    const address = readAddress(request.from.address);
    const reasons: string[] = [];
    for (const { rule, from } of this.#peers) {
      const not = whyNot(rule, from, address, request);
      if (not === undefined) return answer(rule);
      if (reasons.length < MOST_REASONS) reasons.push(`${rule.name}: ${not}`);
    }
    const who = `${quote(request.hostName)} at ${request.from.address}, calling ${request.listener}`;
    return {
      accept: false,
      reason:
        this.#peers.length === 0
          ? `there is no peer that may dial in, and ${who}, would like to`
          : `no peer of ours is ${who} (${whyNone(reasons, this.#peers.length)})`,
      text: "not authorized",
    };
  }
}

function whyNot(
  rule: PeerRule,
  from: readonly AddressRange[] | undefined,
  address: AddressNumber | undefined,
  { hostName, vendorName, listener }: PeerRequest,
): string | undefined {
  if (rule.listen !== undefined && !rule.listen.includes(listener)) return "another listener";
  if (!comesFrom(from, address)) return "another address";
  if (!matchesAny(rule.hostName, hostName)) return "another host name";
  if (!matchesAny(rule.vendorName, vendorName)) return "another vendor";
  return undefined;
}

function answer(rule: PeerRule): PeerGrant | Refusal {
  if (rule.deny !== undefined) {
    const why = rule.deny === "" ? "" : `: ${rule.deny}`;
    return {
      accept: false,
      reason: `peer ${JSON.stringify(rule.name)} is denied${why}`,
      text: "not authorized",
    };
  }
  const { name, secrets = [], tunnelProfile, sessionProfile, pppProfile } = rule;
  return {
    accept: true,
    peer: name,
    secrets,
    ...(tunnelProfile !== undefined && { tunnelProfile }),
    ...(sessionProfile !== undefined && { sessionProfile }),
    ...(pppProfile !== undefined && { pppProfile }),
  };
}

/** Answers about a call. */
export function askCall(rules: readonly CallRule[], request: CallRequest): CallGrant | Refusal {
  const rule = rules.find((one) => isCall(one, request));
  if (rule?.deny !== undefined) {
    const why = rule.deny === "" ? "" : `: ${rule.deny}`;
    return { accept: false, reason: `call rule ${JSON.stringify(rule.name)} denies it${why}` };
  }
  const { sessionProfile, pppProfile, switchTo, switchPpp } = rule ?? {};
  return {
    accept: true,
    ...(sessionProfile !== undefined && { sessionProfile }),
    ...(pppProfile !== undefined && { pppProfile }),
    ...(switchTo !== undefined && { switchTo }),
    ...(switchPpp !== undefined && { switchPpp }),
  };
}

function isCall(rule: CallRule, request: CallRequest): boolean {
  const { calledNumber = "", callingNumber = "", subAddress = "", privateGroup = "" } = request;
  return (
    (rule.kind === undefined || rule.kind === request.kind) &&
    (rule.peer === undefined || rule.peer.includes(request.peer) || rule.peer.includes(request.tunnel)) &&
    matchesAny(rule.calledNumber, calledNumber) &&
    matchesAny(rule.callingNumber, callingNumber) &&
    matchesAny(rule.subAddress, subAddress) &&
    matchesAny(rule.privateGroup, privateGroup)
  );
}
