/**
 * One tunnel of L2TPv2 written out by hand, with nothing of ours but a socket in a site; what both ends of it have in common.
 * What it was told is kept.
 */
import { randomBytes } from "node:crypto";
import { type Site, until } from "@l2tp/lab";
import { abi, encodeSocketAddress, type Fd, Reactor, type Registration, raw, sys } from "@l2tp/linux";
import { hex, RawSubscriber, u16 } from "./raw-ppp.ts";

/** An AVP of the IETF's, mandatory. */
export const avp = (type: number, value: Uint8Array): Buffer =>
  Buffer.concat([u16(0x8000 | (6 + value.length)), u16(0), u16(type), value]);

export const MESSAGE = {
  sccrq: 1,
  sccrp: 2,
  scccn: 3,
  stopccn: 4,
  hello: 6,
  icrq: 10,
  icrp: 11,
  iccn: 12,
  cdn: 14,
} as const;

export interface Message {
  readonly type: number;
  readonly session: number;
  readonly avps: ReadonlyMap<number, Buffer>;
}

/** See the file's head. */
export abstract class RawTunnel implements AsyncDisposable {
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(65_536);
  readonly #to: Uint8Array;
  readonly id = randomBytes(2).readUInt16BE() || 1;
  peer = 0;
  #ns = 0;
  #nr = 0;
  readonly #sessions = new Map<number, RawSubscriber>();
  #lastSession = 0;
  #acknowledged = 0;
  /** Control messages that came. */
  readonly messages: Message[] = [];

  /** @param port - ours; 0: any. */
  constructor(site: Site, port: number, to: { readonly address: string; readonly port: number }) {
    this.#to = encodeSocketAddress({ family: 4, ...to });
    this.#fd = site.namespace.run(() => sys.socket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0));
    sys.bind(this.#fd, encodeSocketAddress({ family: 4, address: "0.0.0.0", port }));
    this.#watch = Reactor.shared().watch(this.#fd, () => this.#drain(), { ref: false });
  }

  #drain(): void {
    for (;;) {
      const octets = raw().recv(this.#fd, this.#buffer, this.#buffer.length, abi.MSG_DONTWAIT);
      if (octets < 0) return;
      this.#datagram(Buffer.from(this.#buffer.subarray(0, octets)));
    }
  }

  #datagram(datagram: Buffer): void {
    const flags = datagram.readUInt16BE(0);
    if ((flags & 0x8000) === 0) {
      // Data: L, then tunnel and session, S, O.
      const at = 2 + (flags & 0x4000 ? 2 : 0);
      const offset = at + 4 + (flags & 0x0800 ? 4 : 0);
      const skip = flags & 0x0200 ? 2 + datagram.readUInt16BE(offset) : 0;
      this.#sessions.get(datagram.readUInt16BE(at + 2))?.hear(datagram.subarray(offset + skip));
      return;
    }
    const [session, ns] = [datagram.readUInt16BE(6), datagram.readUInt16BE(8)];
    if (datagram.length === 12) {
      this.#acknowledged++;
      return;
    }
    if (ns !== this.#nr) {
      this.#zlb();
      return;
    }
    this.#nr = (this.#nr + 1) & 0xffff;
    const avps = new Map<number, Buffer>();
    for (let at = 12; at < datagram.length; ) {
      const length = datagram.readUInt16BE(at) & 0x3ff;
      avps.set(datagram.readUInt16BE(at + 4), datagram.subarray(at + 6, at + length));
      at += length;
    }
    const message = { type: avps.get(0)?.readUInt16BE(0) ?? 0, session, avps };
    this.messages.push(message);
    this.heard(message);
    this.#zlb();
  }

  /** A control message came. */
  protected heard(_message: Message): void {}

  #zlb(): void {
    this.#send(Buffer.concat([hex("c802 000c"), u16(this.peer), u16(0), u16(this.#ns), u16(this.#nr)]));
  }

  /** Any octets to the other end. */
  #send(datagram: Uint8Array): void {
    sys.sendto(this.#fd, datagram, this.#to);
  }

  /** A control message. */
  tell(type: number, session: number, ...avps: readonly Uint8Array[]): void {
    const body = Buffer.concat([avp(0, u16(type)), ...avps]);
    const header = [
      hex("c802"),
      u16(12 + body.length),
      u16(this.peer),
      u16(session),
      u16(this.#ns),
      u16(this.#nr),
    ];
    this.#ns = (this.#ns + 1) & 0xffff;
    this.#send(Buffer.concat([...header, body]));
  }

  protected async told(type: number, session: number): Promise<Message> {
    const find = () => this.messages.find((message) => message.type === type && message.session === session);
    await until(() => find() !== undefined, `the peer says ${type} of ${session}`);
    return find() as Message;
  }

  /** A number of ours for one more session. */
  protected nextSession(): number {
    return ++this.#lastSession;
  }

  /** The PPP of a session. @param id - ours. @param theirs - the other end's. */
  protected begin(id: number, theirs: number): RawSubscriber {
    const header = () => Buffer.concat([hex("0002"), u16(this.peer), u16(theirs)]);
    const ppp = new RawSubscriber((frame) => this.#send(Buffer.concat([header(), frame])));
    this.#sessions.set(id, ppp);
    ppp.ended = () => this.messages.find(({ type, session }) => type === MESSAGE.cdn && session === id)?.avps;
    ppp.hangUp = () => this.tell(MESSAGE.cdn, theirs, avp(14, u16(id)), avp(1, hex("0003")));
    return ppp;
  }

  /** Ends the tunnel. */
  async [Symbol.asyncDispose](): Promise<void> {
    const before = this.#acknowledged;
    this.tell(MESSAGE.stopccn, 0, avp(9, u16(this.id)), avp(1, hex("0001")));
    await until(() => this.#acknowledged > before, "the StopCCN is acknowledged", 2_000).catch(
      () => undefined,
    );
    this.#watch.close();
    sys.close(this.#fd);
  }
}
