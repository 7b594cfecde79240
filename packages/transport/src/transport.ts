/**
 * Reliable delivery of control messages for any number of channels (RFC 2661 §5.5, §5.7, §5.8; RFC 3931 §3.4.2, §4.2,
 * §4.4). No clock, no socket, no callbacks: datagrams and time go in, datagrams, events and one due time come out.
 *
 * Here is what concerns a channel as a whole: its life, Hellos, closing. Sending is in sender.ts, receiving in
 * receiver.ts, and the state of both in columns.ts.
 */
import type { Instant } from "@l2tp/protocol";
import { COUNTER, Columns, FLAG, STATE } from "./columns.ts";
import { TransportError } from "./errors.ts";
import type {
  ChannelChange,
  ChannelId,
  ChannelOptions,
  CloseOptions,
  Receipt,
  Transmit,
  TransportEvent,
  TransportOptions,
} from "./events.ts";
import {
  acknowledgementMessage,
  helloMessage,
  isControlMessage,
  type MessageKind,
  messageKind,
  readSequence,
  writeSequence,
} from "./header.ts";
import { Fifo, type Outgoing } from "./outgoing.ts";
import { Receiver } from "./receiver.ts";
import { type NrVerdict, Sender } from "./sender.ts";
import { DEFAULT_PEER_WINDOW, fullRetransmissionIntervalMs } from "./settings.ts";
import { type ChannelStatistics, statisticsOf } from "./statistics.ts";
import { rowOfTimer, TIMER, timerKey, timerOfKey } from "./timers.ts";
import { TimerWheel } from "./wheel.ts";

/**
 * All reliable channels of a host, on one timer wheel.
 *
 * After each call that takes `now`, drain {@link pollEvent} and {@link pollTransmit}, in this order (an answer to a
 * message then carries its acknowledgement), and arm the one real timer for {@link pollTimeout}.
 *
 * A channel that has gone is no error: a call with its ID does nothing, and says so where it returns something.
 */
export class Transport {
  readonly #columns: Columns;
  readonly #wheel: TimerWheel;
  /** Messages that are to leave. */
  readonly #outbox = new Fifo<Outgoing>();
  /** Channels that owe an acknowledgement: after the messages, on which it may ride. */
  readonly #owing = new Fifo<ChannelId>();
  readonly #events = new Fifo<TransportEvent>();
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #random: (() => number) | undefined;
  readonly #seal: ((channel: ChannelId, datagram: Uint8Array) => void) | undefined;

  constructor(options: TransportOptions = {}) {
    const { tickMs = 10, channels = 16 } = options;
    this.#columns = new Columns(channels);
    this.#wheel = new TimerWheel({ tickMs, keys: timerKey(channels, TIMER.retransmit) });
    this.#sender = new Sender(this.#columns, this.#wheel, this.#outbox, this.#events);
    this.#receiver = new Receiver(this.#columns, this.#wheel, this.#owing, this.#events);
    this.#random = options.random?.bind(options);
    this.#seal = options.seal?.bind(options);
  }

  /** How many channels there are, closing and failed ones included. */
  get size(): number {
    return this.#columns.size;
  }

  /** Milliseconds of the timer wheel's tick. */
  get tickMs(): number {
    return this.#wheel.tickMs;
  }

  /**
   * Makes a channel. Nothing is sent; with Hello on, one is after that much silence.
   *
   * @throws TransportError "ERR_L2TP_CHANNELS" at 1,048,576 channels.
   */
  open(now: Instant, options: ChannelOptions): ChannelId {
    const c = this.#columns;
    const row = c.take(options.version);
    c.flags[row] = options.rebase ? FLAG.rebase : 0;
    c.peerConnectionId[row] = options.peerConnectionId;
    c.settings[row] = options.settings;
    c.sealed[row] = options.sealed;
    c.peerWindow[row] = options.peerWindow || DEFAULT_PEER_WINDOW;
    this.#begin(row, now);
    return c.idOf(row);
  }

  /** Tells a channel what has been learnt since: the peer's ID and window, other settings. */
  configure(channel: ChannelId, now: Instant, change: ChannelChange): void {
    const c = this.#columns;
    const row = c.rowOf(channel);
    if (row < 0) return;
    if (change.peerConnectionId !== undefined) c.peerConnectionId[row] = change.peerConnectionId;
    if (change.sealed !== undefined) c.sealed[row] = change.sealed;
    const before = c.settingsOf(row);
    const settings = change.settings ?? before;
    c.settings[row] = settings;
    if (change.peerWindow !== undefined) c.peerWindow[row] = change.peerWindow || DEFAULT_PEER_WINDOW;
    this.#sender.setWindow(row, now);
    const helloChanged =
      settings.helloTimeoutMs !== before.helloTimeoutMs || settings.helloJitter !== before.helloJitter;
    if (helloChanged && c.state[row] === STATE.open) this.#armHello(row, now);
  }

  /**
   * Sends a message, as soon as the peer's window allows.
   *
   * @param message - whole, from its first flag octet, T, L and S set; copied. Ns and Nr are written by the transport.
   * @returns false when the channel has gone, is closing or has failed: the message is not sent.
   * @throws TransportError "ERR_L2TP_MESSAGE" when these octets are no control message of the channel's version.
   */
  send(channel: ChannelId, now: Instant, message: Uint8Array): boolean {
    const c = this.#columns;
    const row = c.rowOf(channel);
    if (row < 0 || c.state[row] !== STATE.open) return false;
    const version = c.versionOf(row);
    if (!isControlMessage(message, version)) {
      throw new TransportError(
        "ERR_L2TP_MESSAGE",
        `channel ${channel}: a whole L2TPv${version} control message was expected (T, L and S bits, a Length that ` +
          `fits), got ${message.length} octets that are none`,
      );
    }
    this.#sender.enqueue(row, now, message.slice(), "message");
    return true;
  }

  /**
   * Sends a Hello now, whatever was heard: to find out whether the peer is there.
   *
   * @returns false when none is sent, because a message is on its way that finds out as well, or the channel is not open.
   */
  sendHello(channel: ChannelId, now: Instant): boolean {
    const row = this.#columns.rowOf(channel);
    if (row < 0 || this.#columns.state[row] !== STATE.open) return false;
    return this.#hello(row, now);
  }

  /** Tells a channel that data of its tunnel was received at `at`: no Hello is due until that long after it. */
  noteHeard(channel: ChannelId, at: Instant): void {
    const c = this.#columns;
    const row = c.rowOf(channel);
    if (row >= 0 && at > (c.lastHeard[row] as number)) c.lastHeard[row] = at;
  }

  /**
   * Takes a control message from the channel's peer: its acknowledgement, its place in the order. Who sent it, and
   * its digest if there is one, the caller has checked.
   *
   * @param message - from its first flag octet; borrowed: what must be kept is copied.
   * @param kind - when the caller knows better than a look at the Message Type AVP, for instance that a Hello is not
   *   well-formed and must not re-base anything.
   * @returns what became of it; never throws.
   */
  receive(channel: ChannelId, now: Instant, message: Uint8Array, kind?: MessageKind): Receipt {
    const c = this.#columns;
    const row = c.rowOf(channel);
    if (row < 0) return "closed";
    if (c.state[row] === STATE.failed) {
      c.count(row, COUNTER.discardedClosed);
      return "closed";
    }
    const version = c.versionOf(row);
    if (!isControlMessage(message, version)) {
      c.count(row, COUNTER.discardedMalformed);
      return "malformed";
    }
    kind ??= messageKind(message, version);
    const { ns, nr } = readSequence(message);
    c.count(row, COUNTER.octetsReceived, message.length);
    const verdict = this.#takeNr(row, now, nr);
    if (verdict === "invalid") {
      c.count(row, COUNTER.discardedInvalidNr);
      if (version === 3) return "invalid-nr";
    }
    this.#heard(row, now);
    if (kind === "hello") c.count(row, COUNTER.hellosReceived);
    const receipt = this.#takeNs(row, now, ns, message, kind);
    if (c.state[row] === STATE.closing) {
      this.#afterExchange(row, now, verdict === "advanced", receipt === "accepted");
    }
    return receipt;
  }

  /**
   * Closes a channel after its last message (StopCCN), sent or received, has been handed over: it still retransmits
   * and acknowledges, delivers nothing, and ends with a "closed" event. Closing twice is closing once.
   */
  close(channel: ChannelId, now: Instant, options: CloseOptions = {}): void {
    const c = this.#columns;
    const row = c.rowOf(channel);
    if (row < 0 || c.state[row] === STATE.closing) return;
    if (c.state[row] === STATE.failed) {
      this.#end(row, false);
      return;
    }
    const outstanding = (c.queued[row] as number) > 0;
    const until = options.until ?? (c.version[row] === 3 && outstanding ? "acknowledged" : "interval");
    c.state[row] = STATE.closing;
    c.held[row] = undefined;
    this.#wheel.cancel(timerKey(row, TIMER.hello));
    this.#receiver.expired(row);
    this.#armClose(row, now);
    if (until === "interval") return;
    c.set(row, FLAG.closeWhenAcknowledged);
    if (!outstanding) this.#endSoon(row, now);
  }

  /** Forgets a channel at once: nothing more is sent, not even an acknowledgement, and there is no event. */
  release(channel: ChannelId): void {
    const row = this.#columns.rowOf(channel);
    if (row >= 0) this.#free(row);
  }

  /** Begins anew on the same channel, whatever its state: Ns and Nr 0, nothing queued, the counters kept. */
  reset(channel: ChannelId, now: Instant): void {
    const row = this.#columns.rowOf(channel);
    if (row >= 0) this.#begin(row, now);
  }

  /** @returns counters and present state, or undefined when there is no such channel. */
  statistics(channel: ChannelId): ChannelStatistics | undefined {
    const row = this.#columns.rowOf(channel);
    return row < 0 ? undefined : statisticsOf(this.#columns, row);
  }

  /** Call at or after {@link pollTimeout}; early or repeated calls do nothing. */
  handleTimeout(now: Instant): void {
    for (let key = this.#wheel.expire(now); key >= 0; key = this.#wheel.expire(now)) {
      const row = rowOfTimer(key);
      switch (timerOfKey(key)) {
        case TIMER.retransmit:
          this.#retransmitOrFail(row, now);
          break;
        case TIMER.acknowledge:
          this.#receiver.expired(row);
          break;
        case TIMER.hello:
          this.#helloDue(row, now);
          break;
        case TIMER.close:
          this.#end(row, this.#columns.queued[row] === 0);
          break;
      }
    }
  }

  /** When to call {@link handleTimeout} next, or undefined when no timer runs. */
  pollTimeout(): Instant | undefined {
    return this.#wheel.nextWake();
  }

  /** @returns the next datagram to send, or undefined when there is none. */
  pollTransmit(): Transmit | undefined {
    for (let entry = this.#outbox.shift(); entry !== undefined; entry = this.#outbox.shift()) {
      entry.leaving = false;
      if (!entry.done) return this.#leave(entry.channel, entry.row, entry.message, entry.ns);
    }
    for (let channel = this.#owing.shift(); channel !== undefined; channel = this.#owing.shift()) {
      const acknowledgement = this.#acknowledgement(channel);
      if (acknowledgement !== undefined) return acknowledgement;
    }
    return undefined;
  }

  /** @returns the next event, or undefined when there is none. */
  pollEvent(): TransportEvent | undefined {
    return this.#events.shift();
  }

  #begin(row: number, now: Instant): void {
    const c = this.#columns;
    c.state[row] = STATE.open;
    c.clear(row, FLAG.peerHeard | FLAG.peerReached | FLAG.closeWhenAcknowledged);
    this.#sender.reset(row);
    this.#receiver.reset(row);
    this.#wheel.cancel(timerKey(row, TIMER.close));
    c.lastHeard[row] = now;
    this.#armHello(row, now);
  }

  #heard(row: number, now: Instant): void {
    const c = this.#columns;
    c.lastHeard[row] = now;
    if (c.has(row, FLAG.peerHeard)) return;
    c.set(row, FLAG.peerHeard);
    this.#events.push({ type: "peer-heard", channel: c.idOf(row) });
  }

  /** Takes an Nr; on a channel that may be re-based, one that makes no sense says where the peer stands. */
  #takeNr(row: number, now: Instant, nr: number): NrVerdict {
    const c = this.#columns;
    const expected = c.unacknowledged[row] as number;
    const verdict = this.#sender.acknowledge(row, now, nr);
    if (verdict === "unchanged" || verdict === "advanced" || !c.has(row, FLAG.rebase)) return verdict;
    this.#events.push({ type: "rebased", channel: c.idOf(row), side: "send", expected, received: nr });
    return this.#sender.adopt(row, now, nr) ? "advanced" : "unchanged";
  }

  #takeNs(row: number, now: Instant, ns: number, message: Uint8Array, kind: MessageKind): Receipt {
    if (kind === "ack") {
      // Its Ns says nothing, and it is never acknowledged: two peers that did would go on for ever.
      this.#columns.count(row, COUNTER.acknowledgementsReceived);
      return "acknowledgement";
    }
    return this.#receiver.receive(row, now, ns, message, kind);
  }

  #retransmitOrFail(row: number, now: Instant): void {
    const c = this.#columns;
    const given = this.#sender.expired(row, now);
    if (given === undefined) return;
    if (c.state[row] === STATE.closing) {
      this.#end(row, false);
      return;
    }
    this.#stop(row);
    c.state[row] = STATE.failed;
    this.#events.push({
      type: "failed",
      channel: c.idOf(row),
      what: given.of,
      transmissions: given.transmissions,
      silentMs: now - (c.lastHeard[row] as number),
    });
  }

  /** The silence after which a Hello is sent is drawn anew, and waited for from now on. */
  #armHello(row: number, now: Instant): void {
    const c = this.#columns;
    const { helloTimeoutMs, helloJitter } = c.settingsOf(row);
    const after = helloTimeoutMs * (1 + helloJitter * (this.#random?.() ?? 0));
    c.helloAfter[row] = after;
    if (after > 0) this.#wheel.arm(timerKey(row, TIMER.hello), now + after);
    else this.#wheel.cancel(timerKey(row, TIMER.hello));
  }

  /** Traffic does not move this timer: here is looked at when something was last heard. */
  #helloDue(row: number, now: Instant): void {
    const c = this.#columns;
    const due = (c.lastHeard[row] as number) + (c.helloAfter[row] as number);
    if (due > now) {
      this.#wheel.arm(timerKey(row, TIMER.hello), due);
      return;
    }
    // With a message outstanding no Hello is needed; when it is acknowledged, that is heard, later than now.
    this.#hello(row, now);
    this.#armHello(row, now);
  }

  #hello(row: number, now: Instant): boolean {
    const c = this.#columns;
    if ((c.queued[row] as number) > 0) return false;
    const version = c.versionOf(row);
    const hello = c.sealed[row]?.hello ?? helloMessage(version, c.peerConnectionId[row] as number);
    this.#sender.enqueue(row, now, hello.slice(), "hello");
    return true;
  }

  /**
   * A closing channel has received something. Only what is new prolongs it: a peer cannot keep it for ever. A new
   * message is the peer's own StopCCN or came before it; its acknowledgement may be lost, so we stay for that.
   */
  #afterExchange(row: number, now: Instant, acknowledged: boolean, accepted: boolean): void {
    const c = this.#columns;
    this.#receiver.expired(row);
    if (accepted) c.clear(row, FLAG.closeWhenAcknowledged);
    if (acknowledged || accepted) this.#armClose(row, now);
    if (c.has(row, FLAG.closeWhenAcknowledged) && c.queued[row] === 0) this.#endSoon(row, now);
  }

  /** Ends it with the next call of {@link handleTimeout}, when what it owes has left. */
  #endSoon(row: number, now: Instant): void {
    this.#wheel.arm(timerKey(row, TIMER.close), now);
  }

  #armClose(row: number, now: Instant): void {
    const interval = fullRetransmissionIntervalMs(this.#columns.settingsOf(row));
    this.#wheel.arm(timerKey(row, TIMER.close), now + interval);
  }

  #end(row: number, acknowledged: boolean): void {
    this.#events.push({ type: "closed", channel: this.#columns.idOf(row), acknowledged });
    this.#free(row);
  }

  #free(row: number): void {
    this.#stop(row);
    this.#columns.give(row);
  }

  /** Nothing of this row leaves any more, and none of its timers run. */
  #stop(row: number): void {
    this.#sender.drop(row);
    this.#receiver.acknowledged(row);
    this.#columns.held[row] = undefined;
    this.#wheel.cancel(timerKey(row, TIMER.hello));
    this.#wheel.cancel(timerKey(row, TIMER.close));
  }

  #acknowledgement(channel: ChannelId): Transmit | undefined {
    const c = this.#columns;
    const row = c.rowOf(channel);
    if (row < 0) return undefined;
    c.clear(row, FLAG.ackQueued);
    if (!c.has(row, FLAG.ackOwed)) return undefined;
    c.count(row, COUNTER.acknowledgementsSent);
    const version = c.versionOf(row);
    const message =
      c.sealed[row]?.acknowledgement.slice() ??
      acknowledgementMessage(version, c.peerConnectionId[row] as number, c.settingsOf(row).explicitAck);
    // It carries the Ns of the next message and does not take it up.
    return this.#leave(channel, row, message, c.highest[row] as number);
  }

  /** Everything that leaves carries the Nr of this moment, and so acknowledges all that was received. */
  #leave(channel: ChannelId, row: number, datagram: Uint8Array, ns: number): Transmit {
    const c = this.#columns;
    writeSequence(datagram, ns, c.nr[row] as number);
    this.#receiver.acknowledged(row);
    c.count(row, COUNTER.octetsSent, datagram.length);
    if (c.sealed[row] !== undefined) this.#seal?.(channel, datagram);
    return { channel, datagram };
  }
}
