/** What a person may do about each cause. */
import type { Cause } from "./cause.ts";

/** A likely remedy for each cause. */
export const REMEDIES: Readonly<Record<Cause, string>> = {
  "local-close": "nothing to do: it was asked for here",
  "peer-close": "look into the peer's log for its reason",
  refused: "if this caller should come in, let the rules for peers and calls say so",
  "peer-refused": "check that the peer knows our host name and address, and allows this kind of call",
  "try-another": "use another LNS, or wait until this one has room",
  authentication: "compare the tunnel secret at both ends, and whether both have one",
  "protocol-error":
    "the text names what was wrong; a quirk for this peer may help, and a trace of its messages",
  "no-response": "check address, port 1701/udp and firewalls on the way, and that L2TP runs at the peer",
  "hello-missed": "check the path to the peer; a peer that does not answer Hello needs the quirk for it",
  "set-up-timeout": "see in the last messages which answer is missing; allow more time if the peer is slow",
  undecided: "see why the decision was late: a slow RADIUS server, for instance",
  limit: "raise the limit that the text names, or find out who needs so many",
  "tie-breaker": "nothing to do: both ends opened a tunnel, and one of them goes on or is opened anew",
  "data-plane": "the text has the data plane's reason: privileges, kernel modules, resources",
  idle: "nothing to do: no session was left",
  drained: "nothing to do: this endpoint is being emptied",
  "shut-down": "nothing to do: this endpoint goes",
  "tunnel-ended": "see why its tunnel ended",
  bearer: "see the result, and the Q.931 cause where there is one: the call itself ended",
};

const ASKED_FOR =
  "nothing to do: it was asked for at the peer; what we dial is dialled again, unless the settings say no";

/** Where a peer's Result Code says more than that it was the peer: of what was up. */
const PEER_REMEDIES: Readonly<Record<"StopCCN" | "CDN", Readonly<Record<number, string>>>> = {
  StopCCN: {
    1: ASKED_FOR,
    6: "nothing to do: the peer is being shut down; what we dial is dialled again, unless the settings say no",
  },
  CDN: {
    1: "see the PPP of this session: its end, or the line, was lost at the peer, whose log may say why",
    3: ASKED_FOR,
  },
};

/** The remedy for an ending. */
export function remedyFor(
  cause: Cause,
  message: "StopCCN" | "CDN" | undefined,
  result: number | undefined,
): string {
  const known = cause === "peer-close" && message !== undefined && result !== undefined;
  return (known ? PEER_REMEDIES[message][result] : undefined) ?? REMEDIES[cause];
}
