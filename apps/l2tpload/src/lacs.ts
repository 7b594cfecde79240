/**
 * Many LACs in one endpoint: opens tunnels and calls, runs PPP in them, counts and times what becomes of each. When to
 * begin and when to end is the engine's business. No socket, no clock.
 */
import {
  CDN,
  type Ending,
  Endpoint,
  type EndpointEvent,
  endingText,
  type PeerAddress,
  type SessionHandle,
  STOP,
  type TunnelHandle,
} from "@l2tp/control";
import { type DownReason, PPP_REMEDIES, type Random } from "@l2tp/ppp";
import { HeaderCursor, type Instant, type SocketAddress } from "@l2tp/protocol";
import { TimerWheel } from "@l2tp/transport";
import { dataMessage } from "./data-message.ts";
import { fill } from "./pattern.ts";
import type { Plan } from "./plan.ts";
import { type LinkHost, PppLink } from "./ppp-link.ts";
import { PppProfile } from "./ppp-profile.ts";
import { LoadCall, LoadTunnel } from "./records.ts";
import { MORE_TIME, Tally } from "./tally.ts";

const REMEDIES: Readonly<Partial<Record<DownReason["code"], string>>> = PPP_REMEDIES;

/** Fills with octets that nobody can guess. */
export type FillRandom = (into: Uint8Array<ArrayBuffer>) => void;

/** One datagram to send, through one of the sockets. */
export interface Outgoing {
  readonly wire: number;
  readonly to: SocketAddress;
  /** Borrowed: good until the next call. */
  readonly datagram: Uint8Array;
}

const ENDLESS = 1e9;

/** See the file's head. */
export class Lacs implements LinkHost<LoadCall> {
  readonly tally = new Tally();
  /** Set-ups that have neither succeeded nor failed. */
  tunnelsUnderWay = 0;
  callsUnderWay = 0;
  pingsUnderWay = 0;
  /** Calls that are fully up, in no order. */
  readonly live: LoadCall[] = [];
  /** Tunnels that came up and were not looked at yet. */
  readonly newTunnels: LoadTunnel[] = [];
  /** From here on endings are our own doing. */
  isEnding = false;
  /** Every tunnel has gone. */
  isEmpty = false;
  readonly #plan: Plan;
  readonly #endpoint: Endpoint;
  readonly #random: Random;
  readonly #profile: PppProfile | undefined;
  readonly #cursor = new HeaderCursor();
  readonly #tunnels = new Map<TunnelHandle, LoadTunnel>();
  readonly #calls = new Map<SessionHandle, LoadCall>();
  /** Calls with PPP, by tunnel and session ID. */
  readonly #byId = new Map<number, LoadCall>();
  readonly #timers = new TimerWheel();
  readonly #slots: (LoadCall | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #data: Outgoing[] = [];
  #nextData = 0;

  /** @throws ControlError, TransportError, PppSettingError for settings that cannot be. */
  constructor(plan: Plan, random: FillRandom) {
    this.#plan = plan;
    this.#random = (octets) => {
      const into = new Uint8Array(octets);
      random(into);
      return into;
    };
    this.#profile = plan.ppp && new PppProfile(plan.ppp, plan.setUpMs);
    this.#endpoint = new Endpoint({
      random,
      tunnel: {
        ...(plan.secret !== undefined && { secrets: [plan.secret] }),
        hiding: plan.hiding ? "send" : "accept",
        acceptIncoming: false,
        tunnelSetupMs: plan.setUpMs,
        sessionSetupMs: plan.setUpMs,
        transport: {
          helloTimeoutMs: plan.helloMs,
          windowSize: plan.windowSize,
          retryTimeoutMs: plan.retryMs,
          maxRetries: plan.maxRetries,
        },
      },
      limits: {
        halfOpen: ENDLESS,
        halfOpenPerSource: ENDLESS,
        closedTunnels: ENDLESS,
        tunnelRate: ENDLESS,
        sessionRate: ENDLESS,
        sourceCalls: [ENDLESS, ENDLESS],
      },
      historyTunnels: 0,
      historySessions: 0,
      messagesRemembered: 0,
    });
  }

  // --- commands ---

  /** @param at - counts the tunnels of this share from 0. */
  openTunnel(now: Instant, at: number): void {
    const { firstTunnel, hostName, sources, target } = this.#plan;
    const number = firstTunnel + at + 1;
    const wire = at % sources.length;
    const handle = this.#endpoint.openTunnel(now, {
      peer: target,
      wire,
      hostName: fill(hostName, { tunnel: number, session: 1, n: number }),
    });
    this.#tunnels.set(handle, new LoadTunnel(handle, number, wire, target, now));
    this.tally.counts.tunnelsStarted++;
    this.tunnelsUnderWay++;
  }

  /** @param session - its number on the tunnel, from 1. */
  openCall(now: Instant, tunnel: LoadTunnel, session: number): void {
    const { calledNumber, callingNumber, sessionsPerTunnel } = this.#plan;
    const n = (tunnel.number - 1) * sessionsPerTunnel + session;
    const numbers = { tunnel: tunnel.number, session, n };
    const handle = this.#endpoint.openSession(now, tunnel.handle, {
      kind: "incoming",
      request: {
        ...(calledNumber !== undefined && { calledNumber: fill(calledNumber, numbers) }),
        ...(callingNumber !== undefined && { callingNumber: fill(callingNumber, numbers) }),
      },
    });
    this.#calls.set(handle, new LoadCall(handle, tunnel, numbers, now));
    this.tally.counts.callsStarted++;
    this.callsUnderWay++;
  }

  /** Ends a call: Terminate-Request where there is PPP, and CDN. */
  hangUp(now: Instant, call: LoadCall): void {
    call.isClosed = true;
    call.link?.close(now);
    this.#endpoint.closeSession(now, call.handle, CDN.administrative);
  }

  get calls(): IterableIterator<LoadCall> {
    return this.#calls.values();
  }

  /** Handles of all tunnels, to be ended with {@link endTunnel}. */
  get tunnels(): TunnelHandle[] {
    return [...this.#tunnels.keys()];
  }

  /** StopCCN. */
  endTunnel(now: Instant, tunnel: TunnelHandle): void {
    this.#endpoint.closeTunnel(now, tunnel, STOP.shutDown, "shut-down");
  }

  /** StopCCN to all that are left; {@link isEmpty} when all have acknowledged it. */
  shutDown(now: Instant): void {
    this.#endpoint.shutDown(now, "acknowledged");
  }

  // --- datagrams and time ---

  handleDatagram(now: Instant, from: PeerAddress, datagram: Uint8Array): void {
    this.tally.counts.datagramsReceived++;
    if (((datagram[0] ?? 0x80) & 0x80) === 0) this.#dataMessage(now, datagram);
    else this.#endpoint.handleDatagram(now, from, datagram);
    this.takeEvents(now);
  }

  handleTimeout(now: Instant): void {
    for (let slot = this.#timers.expire(now); slot >= 0; slot = this.#timers.expire(now)) {
      const call = this.#slots[slot];
      if (call?.link === undefined) continue;
      call.link.handleTimeout(now);
      this.#arm(call);
    }
    this.#endpoint.handleTimeout(now);
    this.takeEvents(now);
  }

  pollTimeout(): Instant | undefined {
    const [a, b] = [this.#endpoint.pollTimeout(), this.#timers.nextWake()];
    return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
  }

  pollTransmit(): Outgoing | undefined {
    const control = this.#endpoint.pollTransmit();
    if (control !== undefined) {
      this.tally.counts.datagramsSent++;
      return { wire: control.wire ?? 0, to: control.to, datagram: control.datagram };
    }
    const data = this.#data[this.#nextData++];
    if (data !== undefined) return data;
    if (this.#data.length > 0) this.#data = [];
    this.#nextData = 0;
    return undefined;
  }

  /** Takes what the endpoint has to tell; after each command, too. */
  takeEvents(now: Instant): void {
    const endpoint = this.#endpoint;
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      this.#event(now, event);
    }
  }

  /** Takes the endpoint's counters into the tally: once, at the end. */
  finish(): Tally {
    const { counts } = this.tally;
    counts.retransmissions = this.#endpoint.statistics().retransmits;
    for (const { channel } of this.#endpoint.tunnels()) counts.retransmissions += channel?.retransmits ?? 0;
    counts.stopsUnanswered = this.isEnding ? this.#tunnels.size : 0;
    return this.tally;
  }

  // --- what the endpoint tells ---

  #event(now: Instant, event: EndpointEvent): void {
    switch (event.type) {
      case "intent":
        this.#endpoint.planeReady(now, event.token);
        break;
      case "question":
        this.#endpoint.decide(now, event.token, { accept: false, text: "a load generator takes no calls" });
        break;
      case "tunnel-up":
        this.#tunnelUp(now, event);
        break;
      case "peer-moved": {
        const tunnel = this.#tunnels.get(event.tunnel);
        if (tunnel !== undefined) tunnel.peer = event.after;
        break;
      }
      case "tunnel-down":
        this.#tunnelDown(event.tunnel, event.wasUp, event.ending);
        break;
      case "tunnel-gone":
        this.#tunnels.delete(event.tunnel);
        break;
      case "session-up":
        this.#sessionUp(now, event.session, event.sessionId, event.peerSessionId);
        break;
      case "session-down":
        this.#sessionDown(now, event.session, event.wasUp, event.ending);
        break;
      case "notice":
        // What is still on its way to a tunnel that we have ended is nobody's fault.
        if (!this.isEnding) this.tally.reason("notice", event.text, "", 1 + event.suppressed);
        break;
      case "empty":
        this.isEmpty = true;
        break;
      default:
    }
  }

  #tunnelUp(now: Instant, event: Extract<EndpointEvent, { type: "tunnel-up" }>): void {
    const tunnel = this.#tunnels.get(event.tunnel);
    if (tunnel === undefined) return;
    tunnel.isUp = true;
    tunnel.tunnelId = event.tunnelId;
    tunnel.peerTunnelId = event.peerTunnelId;
    tunnel.peer = event.peerAddress;
    this.tally.counts.tunnelsUp++;
    this.tally.times.tunnel.record(now - tunnel.openedAt);
    this.#tunnelSettled(tunnel);
    this.newTunnels.push(tunnel);
  }

  #tunnelSettled(tunnel: LoadTunnel): void {
    if (!tunnel.isUnderWay) return;
    tunnel.isUnderWay = false;
    this.tunnelsUnderWay--;
  }

  #tunnelDown(handle: TunnelHandle, wasUp: boolean, ending: Ending): void {
    const tunnel = this.#tunnels.get(handle);
    if (tunnel === undefined) return;
    tunnel.isUp = false;
    this.#tunnelSettled(tunnel);
    if (this.isEnding) return;
    this.tally.counts[wasUp ? "tunnelsLost" : "tunnelsFailed"]++;
    this.#because("tunnel", ending);
  }

  #sessionUp(now: Instant, handle: SessionHandle, sessionId: number, peerSessionId: number): void {
    const call = this.#calls.get(handle);
    if (call === undefined) return;
    call.sessionId = sessionId;
    call.peerSessionId = peerSessionId;
    this.tally.counts.callsUp++;
    this.tally.times.call.record(now - call.openedAt);
    if (this.#profile === undefined) {
      this.#callSettled(call);
      this.#goLive(call);
      return;
    }
    call.slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[call.slot] = call;
    this.#byId.set(call.tunnel.tunnelId * 65_536 + sessionId, call);
    const { ping } = this.#profile.plan;
    const settings = this.#profile.settings(call.numbers);
    call.link = new PppLink(this, call, settings, this.#random, ping, call.openedAt);
    call.link.start(now);
    this.#arm(call);
  }

  #sessionDown(now: Instant, handle: SessionHandle, wasUp: boolean, ending: Ending): void {
    const call = this.#calls.get(handle);
    if (call === undefined) return;
    this.#calls.delete(handle);
    const wasLive = call.place >= 0;
    this.#leaveLive(call);
    if (call.slot >= 0) {
      this.#byId.delete(call.tunnel.tunnelId * 65_536 + call.sessionId);
      this.#timers.cancel(call.slot);
      this.#slots[call.slot] = undefined;
      this.#freeSlots.push(call.slot);
    }
    const { counts } = this.tally;
    const counted = call.isClosed || this.isEnding;
    if (!counted) {
      if (!wasUp) counts.callsFailed++;
      else if (wasLive) counts.sessionsLost++;
      else counts.pppFailed++;
      this.#because("call", ending);
    }
    call.isClosed = true;
    call.link?.lowerDown(now);
    this.#callSettled(call);
  }

  #callSettled(call: LoadCall): void {
    if (!call.isUnderWay) return;
    call.isUnderWay = false;
    this.callsUnderWay--;
  }

  #because(what: "tunnel" | "call", ending: Ending): void {
    const line = endingText(ending);
    const text = line.slice(0, -(ending.remedy.length + 2));
    this.tally.reason(what, text, ending.cause === "set-up-timeout" ? MORE_TIME : ending.remedy);
  }

  #goLive(call: LoadCall): void {
    call.place = this.live.push(call) - 1;
  }

  #leaveLive(call: LoadCall): void {
    if (call.place < 0) return;
    const last = this.live.pop() as LoadCall;
    if (last !== call) {
      this.live[call.place] = last;
      last.place = call.place;
    }
    call.place = -1;
  }

  // --- PPP ---

  sendFrame(call: LoadCall, frame: Uint8Array): void {
    const { peer, peerTunnelId, wire } = call.tunnel;
    const datagram = dataMessage(peerTunnelId, call.peerSessionId, call.ns, frame);
    if (call.ns !== undefined) call.ns = (call.ns + 1) & 0xffff;
    this.tally.counts.datagramsSent++;
    this.tally.counts.dataDatagramsSent++;
    this.#data.push({ wire, to: peer, datagram });
  }

  linkUp(_now: Instant, call: LoadCall): void {
    this.tally.counts.pppUp++;
    this.#callSettled(call);
    this.#goLive(call);
  }

  linkDown(now: Instant, call: LoadCall, { code, text }: DownReason): void {
    const { counts } = this.tally;
    if (!call.isClosed && !this.isEnding) {
      if (call.place >= 0) counts.sessionsLost++;
      else counts.pppFailed++;
      this.tally.reason("PPP", text, REMEDIES[code] ?? "");
    }
    this.#leaveLive(call);
    call.isClosed = true;
    this.#endpoint.closeSession(now, call.handle, CDN.lostCarrier);
  }

  #dataMessage(now: Instant, datagram: Uint8Array): void {
    const cursor = this.#cursor;
    this.tally.counts.dataDatagramsReceived++;
    const call =
      cursor.read(datagram) && cursor.version === 2
        ? this.#byId.get(cursor.tunnelId * 65_536 + cursor.sessionId)
        : undefined;
    if (call?.link === undefined) {
      this.tally.counts.strayData++;
      return;
    }
    if (cursor.ns >= 0) call.ns ??= 0;
    call.link.receive(now, datagram.subarray(cursor.bodyStart, cursor.bodyEnd));
    this.#arm(call);
  }

  #arm(call: LoadCall): void {
    if (this.#slots[call.slot] !== call) return;
    const due = call.link?.pollTimeout();
    if (due === undefined) this.#timers.cancel(call.slot);
    else this.#timers.arm(call.slot, due);
  }
}
