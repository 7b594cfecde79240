/** The PPP of one session at the generator's end: its frames in and out of data messages, its phases' times, a ping. */
import { type DownReason, PppSession, type PppSettings, type Random } from "@l2tp/ppp";
import type { Instant } from "@l2tp/protocol";
import { echoReply, echoRequest, readEcho } from "./ping.ts";
import type { Tally } from "./tally.ts";

const IPV4 = 0x0021;
/** A ping without an answer is sent again after this long, and so many times in all. */
const PING_MS = 1_000;
const PINGS = 3;
/**
 * PPP begins with the LNS's first frame, or after this long: the ICCN may still wait for its turn in the window, and
 * what overtakes it is lost, which costs the 3 s until LCP asks again.
 */
const PATIENCE_MS = 250;
const NEVER = Number.POSITIVE_INFINITY;

/** What a link needs of what it runs in. */
export interface LinkHost<Owner> {
  readonly tally: Tally;
  /** Pings that have neither an answer nor failed. */
  pingsUnderWay: number;
  /** The frame, protocol first, goes into a data message. */
  sendFrame(owner: Owner, frame: Uint8Array): void;
  /** IPCP is up; or PPP has ended, up or not. */
  linkUp(now: Instant, owner: Owner): void;
  linkDown(now: Instant, owner: Owner, why: DownReason): void;
}

/** See the file's head. Plain data but for the PPP session, as there are tens of thousands. */
export class PppLink<Owner> {
  readonly #host: LinkHost<Owner>;
  readonly #owner: Owner;
  readonly #ppp: PppSession;
  /** Which address to ping, if any. */
  readonly #ping: string | "peer" | undefined;
  readonly #openedAt: Instant;
  /** What is timed now, and since when. LCP that the peer negotiates anew belongs to the phase at hand. */
  #phase: "lcp" | "authentication" | "network" = "lcp";
  #phaseAt: Instant = 0;
  #startDue = NEVER;
  #local = "";
  #pinged = "";
  #pingsSent = 0;
  #pingSentAt: Instant = 0;
  #pingDue = NEVER;
  #lastData: Instant = Number.NEGATIVE_INFINITY;
  isUp = false;

  /** @param openedAt - when the call was begun. */
  constructor(
    host: LinkHost<Owner>,
    owner: Owner,
    settings: PppSettings,
    random: Random,
    ping: string | undefined,
    openedAt: Instant,
  ) {
    this.#host = host;
    this.#owner = owner;
    this.#ppp = new PppSession(settings, random);
    this.#ping = ping;
    this.#openedAt = openedAt;
  }

  /** The session is up. */
  start(now: Instant): void {
    this.#phaseAt = now;
    this.#startDue = now + PATIENCE_MS;
  }

  /** The payload of a data message. */
  receive(now: Instant, frame: Uint8Array): void {
    this.#begin(now);
    const at = ipv4At(frame);
    if (at === 0) this.#ppp.receive(now, frame);
    else {
      this.#lastData = now;
      this.#packet(now, frame.subarray(at));
    }
    this.#events(now);
  }

  handleTimeout(now: Instant): void {
    if (now >= this.#startDue) this.#begin(now);
    if (now >= this.#pingDue) this.#pingAgain(now);
    this.#ppp.handleTimeout(now, this.#lastData);
    this.#events(now);
  }

  pollTimeout(): Instant | undefined {
    const due = Math.min(this.#ppp.pollTimeout() ?? NEVER, this.#pingDue, this.#startDue);
    return due === NEVER ? undefined : due;
  }

  #begin(now: Instant): void {
    if (this.#startDue === NEVER) return;
    this.#startDue = NEVER;
    this.#ppp.start(now);
  }

  /** Says good-bye to the peer. */
  close(now: Instant): void {
    this.#ppp.close(now);
    this.#events(now);
  }

  /** The session has gone: nothing is sent any more. */
  lowerDown(now: Instant): void {
    this.#startDue = NEVER;
    this.#ppp.lowerDown(now);
    this.#events(now);
  }

  #events(now: Instant): void {
    for (let event = this.#ppp.pollEvent(); event !== undefined; event = this.#ppp.pollEvent()) {
      switch (event.type) {
        case "frame":
          this.#host.sendFrame(this.#owner, event.frame);
          break;
        case "lcp-up":
          if (this.#phase === "lcp") this.#next(now, "authentication");
          break;
        case "authenticated":
          if (this.#phase === "authentication") this.#next(now, "network");
          break;
        case "configure": {
          const { ipv4 } = event.configuration;
          if (ipv4 === undefined) break;
          this.#local = ipv4.local ?? "";
          this.#pinged = (this.#ping === "peer" ? ipv4.peer : this.#ping) ?? "";
          break;
        }
        case "up":
          this.#up(now);
          break;
        case "down":
          this.#pingOver();
          this.#host.linkDown(now, this.#owner, event.reason);
          break;
        default:
      }
    }
  }

  #next(now: Instant, phase: "authentication" | "network"): void {
    this.#host.tally.times[this.#phase].record(now - this.#phaseAt);
    this.#phase = phase;
    this.#phaseAt = now;
  }

  #up(now: Instant): void {
    if (this.isUp) return;
    this.isUp = true;
    const { tally } = this.#host;
    tally.times.network.record(now - this.#phaseAt);
    tally.times.session.record(now - this.#openedAt);
    if (this.#pinged !== "" && this.#local !== "") {
      this.#host.pingsUnderWay++;
      this.#pingAgain(now);
    }
    this.#host.linkUp(now, this.#owner);
  }

  #pingAgain(now: Instant): void {
    const { tally } = this.#host;
    if (this.#pingsSent === PINGS) {
      this.#pingOver();
      tally.counts.pingsFailed++;
      tally.reason(
        "ping",
        `no answer from ${this.#pinged}`,
        "does the peer forward packets, and is the address its own?",
      );
      return;
    }
    this.#pingsSent++;
    this.#pingSentAt = now;
    this.#pingDue = now + PING_MS;
    this.#sendPacket(echoRequest(this.#local, this.#pinged, 1, this.#pingsSent));
  }

  #pingOver(): void {
    if (this.#pingDue !== NEVER) this.#host.pingsUnderWay--;
    this.#pingDue = NEVER;
  }

  #packet(now: Instant, packet: Uint8Array): void {
    const echo = readEcho(packet);
    if (echo?.type === "request") this.#sendPacket(echoReply(packet));
    else if (echo?.type === "reply" && this.#pingDue !== NEVER && echo.sequence === this.#pingsSent) {
      this.#pingOver();
      this.#host.tally.counts.pingsAnswered++;
      this.#host.tally.times.ping.record(now - this.#pingSentAt);
    }
  }

  #sendPacket(packet: Uint8Array): void {
    const frame = new Uint8Array(2 + packet.length);
    frame[1] = IPV4;
    frame.set(packet, 2);
    this.#host.sendFrame(this.#owner, frame);
  }
}

/** Where the IPv4 packet begins in a frame, or 0 when it is another protocol. Headers may be compressed. */
function ipv4At(frame: Uint8Array): number {
  const at = frame[0] === 0xff && frame[1] === 0x03 ? 2 : 0;
  if (frame[at] === IPV4) return at + 1;
  return frame[at] === 0 && frame[at + 1] === IPV4 ? at + 2 : 0;
}
