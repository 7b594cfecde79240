/**
 * Tunnel switching: a call that came in on one tunnel is opened again on another, with its numbers and what was negotiated
 * already (RFC 2661 §4.4.5); then the frames of each go out at the other. Either end's hang-up ends the other alike.
 */
import type {
  CdnFacts,
  Ending,
  EndpointEvent,
  IncomingConnectedAvps,
  ProxyInformation,
  SessionOpening,
  SessionUp,
} from "@l2tp/control";
import type { PppLink } from "@l2tp/dataplane";
import type { Message } from "@l2tp/protocol";
import type { Alarm } from "../alarms.ts";
import type { CallPasser, DynamicHost } from "./host.ts";
import { DynamicSessionKeeper } from "./session.ts";
import type { DynamicTunnelKeeper } from "./tunnel.ts";

/** How long the onward call may take, its tunnel included: callers wait about as long for PPP. */
const ONWARD_MS = 30_000;

/** The two halves of a call that is passed on. */
interface Pair {
  readonly from: DynamicSessionKeeper;
  readonly target: DynamicTunnelKeeper;
  onward: DynamicSessionKeeper | undefined;
  readonly limit: Alarm & Disposable;
  ended: boolean;
}

export class Switching implements CallPasser {
  readonly #host: DynamicHost;
  readonly #pairs = new Map<object, Pair>();
  #made = 0;

  constructor(host: DynamicHost) {
    this.#host = host;
  }

  /** The call of `from`, which is being accepted, is to be passed on. */
  intend(from: DynamicSessionKeeper, target: DynamicTunnelKeeper): void {
    const limit = this.#host.alarms.create(() =>
      this.#end(pair, from, { result: 4, text: "the onward call was not connected in time" }),
    );
    const pair: Pair = { from, target, onward: undefined, limit, ended: false };
    this.#pairs.set(from, pair);
    from.onEnd = (ending) => this.#ended(pair, from, ending);
    from.onSaid = (event) => said(event, pair.onward);
  }

  /** An outgoing call is to be placed: it is asked for on the other tunnel. */
  place(from: object, ocrq: Message<"OCRQ", 2>): void {
    const pair = this.#pairs.get(from);
    if (pair === undefined) return;
    const { version: _, type: __, assignedSessionId: ___, callSerialNumber: ____, ...request } = ocrq;
    this.#open(pair, { kind: "outgoing", request });
  }

  /** One half is up. */
  up(session: object): void {
    const pair = this.#pairs.get(session);
    if (pair === undefined) return;
    const { from, onward } = pair;
    if (session === from && onward === undefined && from.callFacts) {
      this.#open(pair, incomingOf(from.callFacts));
    } else if (onward !== undefined && session === onward && from.kind === "lac-outgoing" && from.call) {
      const { handle } = from.call;
      this.#host.driver.command((endpoint, now) =>
        endpoint.answerCall(now, handle, answerOf(onward.callFacts)),
      );
    }
    if (from.state === "up" && onward?.state === "up") void this.#join(pair, onward);
  }

  #open(pair: Pair, opening: SessionOpening): void {
    const { from, target } = pair;
    this.#made += 1;
    const onward = new DynamicSessionKeeper(this.#host, target, `switched-${this.#made}`, {
      kind: opening.kind === "incoming" ? "lac-incoming" : "lns-outgoing",
      origin: "dialled",
      opening,
      defaults: {},
      redial: false,
      stays: false,
      auto: true,
      passedOn: "pass",
    });
    pair.onward = onward;
    this.#pairs.set(onward, pair);
    onward.onEnd = (ending) => this.#ended(pair, onward, ending);
    onward.onSaid = (event) => said(event, from);
    from.switchedTo = { tunnel: target.name, session: onward.name };
    onward.switchedTo = { tunnel: from.tunnel.name, session: from.name };
    pair.limit.set(this.#host.clock.now() + ONWARD_MS);
    target.addSession(onward);
    if (target.connection === undefined) target.dial();
  }

  async #join(pair: Pair, onward: DynamicSessionKeeper): Promise<void> {
    pair.limit.clear();
    const { from, target } = pair;
    const a = from.plane;
    const b = onward.plane;
    // What came before they are joined, the caller's first Configure-Request above all, would be awaited in vain for seconds.
    relay(a?.link, b?.link);
    relay(b?.link, a?.link);
    try {
      if (a?.bridge === undefined || b === undefined) throw new Error("the data plane joins no sessions");
      await a.bridge(b);
      this.#host.logger.info(
        { tunnel: from.tunnel.name, session: from.name, onward: `${target.name}/${onward.name}` },
        `session ${from.label} is passed on to ${onward.label}`,
      );
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#host.logger.warn({ error }, `session ${from.label} cannot be passed on: ${text}`);
      this.#end(pair, from, { result: 2, error: 4, text: "the data plane does not pass it on" });
    }
  }

  /** One half has ended: so does the other, with the same words. */
  #ended(pair: Pair, half: DynamicSessionKeeper, ending: Ending | undefined): void {
    if (pair.ended) return;
    const { result, error, text, q931, disconnect } = ending ?? {};
    const direction = disconnect?.direction;
    this.#end(pair, half === pair.from ? pair.onward : pair.from, {
      result: ending?.message === "CDN" && result !== undefined ? result : 1,
      ...(ending?.message === "CDN" && error !== undefined && { error }),
      ...(text !== undefined && { text: text.slice(0, 100) }),
      ...(q931 !== undefined && { q931 }),
      ...(disconnect !== undefined &&
        (direction === 0 || direction === 1 || direction === 2) && {
          disconnect: { ...disconnect, direction },
        }),
    });
  }

  #end(pair: Pair, other: DynamicSessionKeeper | undefined, cdn: CdnFacts): void {
    if (pair.ended) return;
    pair.ended = true;
    pair.limit[Symbol.dispose]();
    this.#pairs.delete(pair.from);
    if (pair.onward !== undefined) this.#pairs.delete(pair.onward);
    other?.hangUp(cdn);
    // The half that did not bring this about; where the limit did, both go.
    if (other === pair.from) pair.onward?.hangUp(cdn);
  }
}

/** Frames that have come already, and those that still come up here. */
function relay(from: PppLink | undefined, to: PppLink | undefined): void {
  from?.onFrame((frame) => to?.sendFrame(frame));
}

/** The LNS's ACCM is for whoever has the line, the errors of the line are for the LNS: SLI and WEN go on (RFC 2661 §6.13, §6.14). */
function said(event: EndpointEvent, to: DynamicSessionKeeper | undefined): void {
  if (to?.state !== "up") return;
  const weAreLns = to.kind === "lns-incoming" || to.kind === "lns-outgoing";
  if (event.type === "link-info" && weAreLns) {
    const { version: _, type: __, ...info } = event.info;
    to.setLinkInfo(info);
  } else if (event.type === "wan-errors" && !weAreLns) to.reportErrors(event.errors);
}

type Connected = Message<"ICCN", 2>;

/** An ICRQ and ICCN as they came, without what is ours to say. */
function incomingOf({ request, connected, proxy }: SessionUp): SessionOpening {
  const {
    version: _,
    type: __,
    assignedSessionId: ___,
    callSerialNumber: ____,
    ...asked
  } = (request ?? {}) as Message<"ICRQ", 2>;
  const { version: _____, type: ______, ...speeds } = (connected ?? {}) as Connected;
  return {
    kind: "incoming",
    request: asked,
    connected: { ...speeds, ...(proxy !== undefined && proxyAvps(proxy)) },
  };
}

/** As they go into the ICCN. */
function proxyAvps(proxy: ProxyInformation): Partial<IncomingConnectedAvps> {
  const avps: { [K in keyof IncomingConnectedAvps]?: IncomingConnectedAvps[K] | undefined } = {
    initialReceivedLcpConfreq: proxy.initialReceivedLcpConfreq,
    lastSentLcpConfreq: proxy.lastSentLcpConfreq,
    lastReceivedLcpConfreq: proxy.lastReceivedLcpConfreq,
    proxyAuthenType: proxy.authenType as IncomingConnectedAvps["proxyAuthenType"],
    proxyAuthenName: proxy.authenName,
    proxyAuthenChallenge: proxy.authenChallenge,
    proxyAuthenId: proxy.authenId === undefined ? undefined : { id: proxy.authenId },
    proxyAuthenResponse: proxy.authenResponse,
  };
  return Object.fromEntries(Object.entries(avps).filter(([, value]) => value !== undefined));
}

/** What the called side said, for the OCCN of the other half. */
function answerOf(facts: SessionUp | undefined) {
  const { version: _, type: __, ...connected } = (facts?.connected ?? {}) as Message<"OCCN", 2>;
  return connected;
}
