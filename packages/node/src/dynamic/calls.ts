/** Calls that come in on a tunnel: asked about, accepted as sessions, passed on to another tunnel, or refused. */
import type { SwitchPpp } from "@l2tp/access";
import { type CallKind, CDN, type RefusalDecision, type SessionStatus } from "@l2tp/control";
import type { SessionDefaults } from "./api.ts";
import { Call } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { AcceptCall } from "./events.ts";
import type { DynamicHost } from "./host.ts";
import type { CallContext, CallQuestion, Questions } from "./questions.ts";
import { sayable } from "./refusal.ts";
import { DynamicSessionKeeper } from "./session.ts";
import { pppOf } from "./session-plane.ts";
import type { Switching } from "./switching.ts";
import { DynamicTunnelKeeper } from "./tunnel.ts";
import { warnOf } from "./warn.ts";

/** What a call needs of its context. */
export interface CallParts {
  readonly questions: Questions;
  readonly switching: Switching;
  /** Those that it may be passed on to. */
  readonly tunnels: ReadonlySet<DynamicTunnelKeeper>;
}

/** The endpoint wants to know whether this call may be. */
export function takeCall(host: DynamicHost, parts: CallParts, question: CallQuestion): void {
  const { driver, connections } = host;
  const connection = connections.get(question.tunnel);
  const tunnel = connection?.owner;
  const status = driver.endpoint.session(question.session);
  if (connection === undefined || status === undefined || !(tunnel instanceof DynamicTunnelKeeper)) {
    driver.command((endpoint, now) => endpoint.decide(now, question.token, { accept: false }));
    return;
  }
  const asked = new AskedCall(host, parts, question, connection, tunnel, status);
  host.watch(parts.questions.call(question, asked));
}

/** A call until somebody has decided. */
class AskedCall implements CallContext {
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly peerName: string;
  readonly session: string;
  readonly sessionId: number;
  readonly usual: SessionDefaults;
  readonly #host: DynamicHost;
  readonly #parts: CallParts;
  readonly #question: CallQuestion;
  readonly #connection: Connection;
  readonly #tunnel: DynamicTunnelKeeper;
  readonly #status: SessionStatus;
  #answered = false;

  constructor(
    host: DynamicHost,
    parts: CallParts,
    question: CallQuestion,
    connection: Connection,
    tunnel: DynamicTunnelKeeper,
    status: SessionStatus,
  ) {
    this.tunnel = tunnel.name;
    this.tunnelId = tunnel.tunnelId;
    this.peerName = tunnel.peerName;
    this.session = `call-${status.sessionId}`;
    this.sessionId = status.sessionId;
    this.usual = tunnel.facts.session;
    this.#host = host;
    this.#parts = parts;
    this.#question = question;
    this.#connection = connection;
    this.#tunnel = tunnel;
    this.#status = status;
  }

  refuse(given: RefusalDecision): boolean {
    if (this.#answered) return false;
    const why = sayable(given);
    this.#answered = true;
    const { result = 3, error, remedy, text } = why;
    const { callingNumber, calledNumber } = this.#status;
    const said = [
      `a call on tunnel ${this.tunnel} is refused: CDN ${result}`,
      error === undefined ? "" : `/${error}`,
      text === undefined ? "" : `, "${text}"`,
      remedy === undefined ? "" : `; ${remedy}`,
    ];
    const { logger, peer } = this.#tunnel;
    const fields = { result, error, callingNumber, calledNumber };
    warnOf(this.#host, logger, peer.address, fields, said.join(""));
    return this.#host.driver.command((endpoint, now) => endpoint.decide(now, this.#question.token, why));
  }

  accept({ switchTo, switchPpp = "pass", name = this.session, reply, ...defaults }: AcceptCall): boolean {
    if (this.#answered || this.#tunnel.connection !== this.#connection) return false;
    const target = switchTo === undefined ? undefined : this.#tunnelOf(switchTo);
    if (switchTo !== undefined && target === undefined) {
      const remedy = `add tunnel ${switchTo}, to which it is to be passed on`;
      return !this.refuse({ ...CDN.temporary, accept: false, remedy });
    }
    const passedOn = target === undefined ? undefined : this.#kind === "lns-incoming" ? switchPpp : "pass";
    if (passedOn === "end" && pppOf(defaults, this.#host.capabilities).by !== "own") {
      const remedy =
        "LCP and authentication can end here only where PPP is our own: give the call a PPP profile";
      return !this.refuse({ ...CDN.temporary, accept: false, remedy });
    }
    const keeper = this.#keeper(name, defaults, passedOn);
    this.#tunnel.addSession(keeper);
    this.#answered = true;
    keeper.begin(new Call(this.#host.driver, this.#connection, this.#question.session, keeper));
    if (target !== undefined) this.#parts.switching.intend(keeper, target);
    try {
      const inTime = this.#host.driver.command((endpoint, now) =>
        endpoint.decide(now, this.#question.token, {
          accept: true,
          name: keeper.name,
          ...(defaults.sendSequence === true && { sendSequence: true }),
          ...(reply !== undefined && { reply }),
        }),
      );
      if (!inTime) this.#undo(keeper);
      return inTime;
    } catch (error) {
      this.#answered = false;
      this.#undo(keeper);
      throw error;
    }
  }

  #tunnelOf(name: string): DynamicTunnelKeeper | undefined {
    for (const tunnel of this.#parts.tunnels) if (tunnel.name === name) return tunnel;
    return undefined;
  }

  get #kind(): CallKind {
    return this.#question.about === "incoming-call" ? "lns-incoming" : "lac-outgoing";
  }

  /** The session that it becomes. */
  #keeper(wanted: string, defaults: SessionDefaults, passedOn: SwitchPpp | undefined): DynamicSessionKeeper {
    const settings = this.#host.accepted.of(this.#kind, defaults, passedOn);
    const name = freeName(this.#tunnel, wanted, this.session);
    return new DynamicSessionKeeper(this.#host, this.#tunnel, name, settings);
  }

  #undo(keeper: DynamicSessionKeeper): void {
    this.#host.calls.delete(this.#question.session);
    keeper.abandon();
  }
}

/** What is wanted may be there already, and the name that no call should have, too: a program names sessions as it likes. */
function freeName(tunnel: DynamicTunnelKeeper, wanted: string, otherwise: string): string {
  if (tunnel.session(wanted) === undefined) return wanted;
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? otherwise : `${otherwise}.${n}`;
    if (tunnel.session(candidate) === undefined) return candidate;
  }
}
