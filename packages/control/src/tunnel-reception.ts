/** What a peer says of the control connection itself: SCCRQ, SCCRP, SCCCN and StopCCN, judged (RFC 2661 §5.1, §5.7, §7.2). */
import type { Instant, Message } from "@l2tp/protocol";
import type { Acquaintance } from "./acquaintance.ts";
import type { Authentication } from "./authentication.ts";
import type { Cause } from "./cause.ts";
import { STOP, type StopFacts } from "./control-messages.ts";
import type { Core } from "./core.ts";
import { ending } from "./ending.ts";
import type { PeerFacts } from "./events.ts";
import { isJudged } from "./machine.ts";
import type { MessageOf } from "./message-of.ts";
import type { Tunnel } from "./state.ts";
import { CONTROL_CONNECTION } from "./tables/control-connection.ts";
import type { TunnelMachine } from "./tunnel-machine.ts";

export class TunnelReception {
  readonly #core: Core;
  readonly #acquaintance: Acquaintance;
  readonly #authentication: Authentication;
  readonly #machine: TunnelMachine;

  constructor(
    core: Core,
    acquaintance: Acquaintance,
    authentication: Authentication,
    machine: TunnelMachine,
  ) {
    this.#core = core;
    this.#acquaintance = acquaintance;
    this.#authentication = authentication;
    this.#machine = machine;
  }

  /**
   * Takes a control message of the tunnel itself, decoded and in its order. `addressed`: it names our Tunnel ID, which our own
   * message has told its sender.
   */
  receive(
    now: Instant,
    tunnel: Tunnel,
    message: MessageOf<"SCCRQ" | "SCCRP" | "SCCCN" | "StopCCN">,
    addressed: boolean,
  ): void {
    switch (message.type) {
      case "SCCRQ":
        if (tunnel.state === "idle" && !tunnel.originator && tunnel.question === 0) {
          this.#ask(now, tunnel, message);
        } else this.#outOfOrder(now, tunnel, "SCCRQ");
        break;
      case "SCCRP":
        if (!isJudged(CONTROL_CONNECTION, tunnel.state, "rx-SCCRP")) this.#outOfOrder(now, tunnel, "SCCRP");
        else {
          const stop = this.#judgeSccrp(now, tunnel, message);
          if (stop === undefined) this.#machine.fire(now, tunnel, "rx-SCCRP-acceptable");
          else this.#machine.refuse(now, tunnel, "rx-SCCRP-unacceptable", "authentication", stop);
        }
        break;
      case "SCCCN":
        if (!isJudged(CONTROL_CONNECTION, tunnel.state, "rx-SCCCN")) this.#outOfOrder(now, tunnel, "SCCCN");
        else {
          const stop = this.#authentication.judgeResponse(now, tunnel, 3, message.challengeResponse);
          if (stop === undefined) this.#machine.fire(now, tunnel, "rx-SCCCN-acceptable");
          else this.#machine.refuse(now, tunnel, "rx-SCCCN-unacceptable", "authentication", stop);
        }
        break;
      case "StopCCN":
        this.#stopped(now, tunnel, message, addressed);
        break;
    }
  }

  /** A caller with a well-formed SCCRQ: somebody else decides. */
  #ask(now: Instant, tunnel: Tunnel, message: Message<"SCCRQ", 2>): void {
    const core = this.#core;
    this.#acquaintance.learnFacts(now, tunnel, message);
    tunnel.peerChallenge = message.challenge;
    const { token, deadline } = core.questions.ask(now, { about: "peer", tunnel });
    tunnel.question = token;
    core.emit({
      type: "question",
      about: "peer",
      token,
      tunnel: tunnel.handle,
      name: tunnel.name,
      from: tunnel.peer,
      peer: tunnel.facts as PeerFacts,
      challenges: message.challenge !== undefined,
      deadline,
    });
  }

  #judgeSccrp(now: Instant, tunnel: Tunnel, message: Message<"SCCRP", 2>): StopFacts | undefined {
    this.#acquaintance.learnPeerId(now, tunnel, message.assignedTunnelId);
    this.#acquaintance.learnFacts(now, tunnel, message);
    tunnel.peerChallenge = message.challenge;
    return (
      // The other way round our own Challenge were not known any more when the peer sends it back.
      this.#authentication.judgeChallenge(tunnel) ??
      this.#authentication.judgeResponse(now, tunnel, 2, message.challengeResponse)
    );
  }

  #stopped(now: Instant, tunnel: Tunnel, message: Message<"StopCCN", 2>, addressed: boolean): void {
    const core = this.#core;
    const { resultCode, errorCode, errorMessage, swapped } = message.resultCode;
    if (tunnel.peerTunnelId !== 0 && message.assignedTunnelId !== tunnel.peerTunnelId) {
      // Accepted all the same: the header has named the tunnel.
      core.counters.count("mismatchedIds");
    }
    if (tunnel.peerTunnelId === 0) this.#acquaintance.learnPeerId(now, tunnel, message.assignedTunnelId);
    if (swapped) this.#acquaintance.learnQuirk(tunnel, "swapped-result");
    if (resultCode === 2 && errorCode === undefined) this.#acquaintance.learnQuirk(tunnel, "short-result");
    const up = tunnel.establishedAt !== undefined;
    const tryAnother = resultCode === 2 && (errorCode === 7 || errorCode === 4);
    // As LAC we are up with our SCCCN, and the LNS has its answer still to judge.
    const judging = !up || tunnel.answered >= 0;
    const aboutSecrets = judging && speaksOfSecrets(tunnel, message);
    const other = aboutSecrets && addressed && this.#authentication.refused(now, tunnel);
    const cause: Cause = tryAnother
      ? "try-another"
      : aboutSecrets
        ? "authentication"
        : up
          ? "peer-close"
          : "peer-refused";
    const end = ending({
      by: "peer",
      cause,
      message: "StopCCN",
      result: resultCode,
      ...(errorCode !== undefined && { error: errorCode }),
      ...(errorMessage !== undefined && { text: errorMessage }),
      ...(other && { remedy: OTHER_SECRET }),
    });
    this.#machine.fire(now, tunnel, "rx-StopCCN", { ending: end });
  }

  #outOfOrder(now: Instant, tunnel: Tunnel, type: "SCCRQ" | "SCCRP" | "SCCCN"): void {
    const core = this.#core;
    core.counters.count("illegalMessages");
    core.counters.messages[type].receiveErrors++;
    const text = `${type} in state ${tunnel.state}`;
    // A second SCCRQ on a channel whose first is not decided yet has no row of its own.
    const event = type === "SCCRQ" && tunnel.state === "idle" ? "protocol-error" : (`rx-${type}` as const);
    this.#machine.refuse(now, tunnel, event, "protocol-error", { ...STOP.stateMachine, text });
  }
}

/** What is to be done when the peer has refused one of two secrets. */
const OTHER_SECRET =
  "nothing to do if there is another attempt: it is answered with the other of our two secrets; if that is refused too, compare the tunnel secrets at both ends";

/** What other daemons call a secret that is wrong or missing, whatever their result code: xl2tpd's is 2/6. */
const SECRETS = /\b(challenge|secret)\b/i;

/** Whether a StopCCN during the set-up is about tunnel authentication. */
function speaksOfSecrets(tunnel: Tunnel, { resultCode }: Message<"StopCCN", 2>): boolean {
  const denied = resultCode.resultCode === 4 && tunnel.settings.secrets.length > 0;
  return denied || SECRETS.test(resultCode.errorMessage ?? "");
}
