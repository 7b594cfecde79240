/**
 * A LAC and its subscribers on raw octets: L2TPv2 and PPP written out by hand, with nothing of ours but a socket in a
 * site. It does what it is told, however wrong that is; what it was told by the LNS is kept.
 */
import { randomBytes } from "node:crypto";
import { type Site, until } from "@l2tp/lab";
import { abi, encodeSocketAddress, type Fd, Reactor, type Registration, raw, sys } from "@l2tp/linux";
import { chapMd5, mschapV2, tunnelResponse } from "./arithmetic.ts";

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value);

/** An AVP of the IETF's, mandatory. */
export const avp = (type: number, value: Uint8Array): Buffer =>
  Buffer.concat([u16(0x8000 | (6 + value.length)), u16(0), u16(type), value]);

const MESSAGE = {
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

interface Message {
  readonly type: number;
  readonly session: number;
  readonly avps: ReadonlyMap<number, Buffer>;
}

/** One tunnel to an LNS, and its sessions. */
export class RawLac implements AsyncDisposable {
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(65_536);
  readonly #to: Uint8Array;
  readonly #secret: string;
  readonly #id = randomBytes(2).readUInt16BE() || 1;
  #peer = 0;
  #ns = 0;
  #nr = 0;
  #sessions = new Map<number, RawSubscriber>();
  #lastSession = 0;
  #acknowledged = 0;
  /** Control messages that came. */
  readonly messages: Message[] = [];

  constructor(site: Site, lns: string, { secret = "opensesame", port = 1701 } = {}) {
    this.#secret = secret;
    this.#to = encodeSocketAddress({ family: 4, address: lns, port });
    this.#fd = site.namespace.run(() => sys.socket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0));
    sys.bind(this.#fd, encodeSocketAddress({ family: 4, address: "0.0.0.0", port: 0 }));
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
    this.messages.push({ type: avps.get(0)?.readUInt16BE(0) ?? 0, session, avps });
    this.#zlb();
  }

  #zlb(): void {
    this.#send(Buffer.concat([hex("c802 000c"), u16(this.#peer), u16(0), u16(this.#ns), u16(this.#nr)]));
  }

  /** Any octets to the LNS. */
  #send(datagram: Uint8Array): void {
    sys.sendto(this.#fd, datagram, this.#to);
  }

  /** A control message. */
  tell(type: number, session: number, ...avps: readonly Uint8Array[]): void {
    const body = Buffer.concat([avp(0, u16(type)), ...avps]);
    const header = [
      hex("c802"),
      u16(12 + body.length),
      u16(this.#peer),
      u16(session),
      u16(this.#ns),
      u16(this.#nr),
    ];
    this.#ns = (this.#ns + 1) & 0xffff;
    this.#send(Buffer.concat([...header, body]));
  }

  async #told(type: number, session: number): Promise<Message> {
    const find = () => this.messages.find((message) => message.type === type && message.session === session);
    await until(() => find() !== undefined, `the LNS says ${type} of ${session}`, 10_000);
    return find() as Message;
  }

  /** A tunnel. */
  async open(): Promise<this> {
    const challenge = randomBytes(16);
    this.tell(
      MESSAGE.sccrq,
      0,
      avp(2, hex("0100")),
      avp(3, hex("00000003")),
      avp(7, Buffer.from("raw")),
      avp(9, u16(this.#id)),
      avp(10, u16(64)),
      avp(11, challenge),
    );
    const { avps } = await this.#told(MESSAGE.sccrp, 0);
    this.#peer = (avps.get(9) as Buffer).readUInt16BE(0);
    const theirs = avps.get(11);
    const proof = theirs === undefined ? [] : [avp(13, tunnelResponse(3, this.#secret, theirs))];
    this.tell(MESSAGE.scccn, 0, ...proof);
    return this;
  }

  /** A session. @param called - number, by which it gets its profile. @param more - AVPs for the ICCN. */
  async call(called = "", more: readonly Uint8Array[] = []): Promise<RawSubscriber> {
    const id = ++this.#lastSession;
    const number = called === "" ? [] : [avp(21, Buffer.from(called))];
    this.tell(
      MESSAGE.icrq,
      0,
      avp(14, u16(id)),
      avp(15, hex("00000001")),
      avp(18, hex("00000002")),
      ...number,
    );
    const { avps } = await this.#told(MESSAGE.icrp, id);
    const theirs = (avps.get(14) as Buffer).readUInt16BE(0);
    const header = () => Buffer.concat([hex("0002"), u16(this.#peer), u16(theirs)]);
    const subscriber = new RawSubscriber((frame) => this.#send(Buffer.concat([header(), frame])));
    this.#sessions.set(id, subscriber);
    subscriber.ended = () =>
      this.messages.find(({ type, session }) => type === MESSAGE.cdn && session === id)?.avps;
    subscriber.hangUp = () => this.tell(MESSAGE.cdn, theirs, avp(14, u16(id)), avp(1, hex("0003")));
    this.tell(MESSAGE.iccn, theirs, avp(24, hex("000f4240")), avp(19, hex("00000001")), ...more);
    return subscriber;
  }

  /** Ends the tunnel. */
  async [Symbol.asyncDispose](): Promise<void> {
    const before = this.#acknowledged;
    this.tell(MESSAGE.stopccn, 0, avp(9, u16(this.#id)), avp(1, hex("0001")));
    await until(() => this.#acknowledged > before, "the StopCCN is acknowledged", 2_000).catch(
      () => undefined,
    );
    this.#watch.close();
    sys.close(this.#fd);
  }
}

/** A frame of PPP, taken apart. */
export interface Frame {
  readonly protocol: number;
  readonly code: number;
  readonly id: number;
  /** What is behind the length, of what the length says. */
  readonly data: Buffer;
  readonly octets: Buffer;
}

const REQUEST = 1;
const TERMINATE = 5;
const ECHO = 9;
export const LCP = 0xc021;
export const IPCP = 0x8021;
export const IPV6CP = 0x8057;
export const CCP = 0x80fd;
export const PAP = 0xc023;
export const CHAP = 0xc223;
export const EAP = 0xc227;

/** One session's PPP. */
export class RawSubscriber {
  readonly frames: Frame[] = [];
  /** Control protocols whose Configure-Requests are acknowledged by themselves. */
  readonly agreeable = new Set<number>([LCP, IPCP, IPV6CP]);
  /** Answers the LNS's Echo-Requests and Terminate-Requests. */
  alive = true;
  magic = hex("5a5a0001");
  readonly #transmit: (frame: Uint8Array) => void;
  #id = 0;
  #seen = 0;
  /** AVPs of the CDN that ended the call. */
  ended: () => ReadonlyMap<number, Buffer> | undefined = () => undefined;
  /** Ends the call without a word of PPP. */
  hangUp: () => void = () => undefined;

  constructor(transmit: (frame: Uint8Array) => void) {
    this.#transmit = transmit;
  }

  /** Any octets as a frame. */
  say(frame: string | Uint8Array): void {
    this.#transmit(typeof frame === "string" ? hex(frame) : frame);
  }

  /** A packet of a control protocol, with FF 03 before it. */
  packet(protocol: number, code: number, id: number, data: string | Uint8Array = ""): void {
    const body = typeof data === "string" ? hex(data) : Buffer.from(data);
    this.say(Buffer.concat([hex("ff03"), u16(protocol), Buffer.of(code, id), u16(4 + body.length), body]));
  }

  hear(received: Buffer): void {
    const at = received[0] === 0xff && received[1] === 3 ? 2 : 0;
    const short = ((received[at] as number) & 1) === 1;
    const protocol = short ? (received[at] as number) : received.readUInt16BE(at);
    const octets = received.subarray(at + (short ? 1 : 2));
    const length = octets.length >= 4 ? octets.readUInt16BE(2) : 0;
    const frame = {
      protocol,
      code: octets[0] ?? 0,
      id: octets[1] ?? 0,
      data: octets.subarray(4, length),
      octets,
    };
    this.frames.push(frame);
    if (frame.code === REQUEST && this.agreeable.has(protocol))
      this.packet(protocol, 2, frame.id, frame.data);
    if (protocol !== LCP || !this.alive) return;
    if (frame.code === TERMINATE) this.packet(LCP, 6, frame.id);
    if (frame.code === ECHO) this.packet(LCP, 10, frame.id, this.magic);
  }

  /** The next frame, from those not taken yet, for which this holds. */
  async next(what: (frame: Frame) => boolean, why: string, patienceMs = 10_000): Promise<Frame> {
    let found = -1;
    const look = () => {
      found = this.frames.findIndex((frame, i) => i >= this.#seen && what(frame));
      return found >= 0;
    };
    await until(look, why, patienceMs);
    this.#seen = found + 1;
    return this.frames[found] as Frame;
  }

  /** Sends a request with an identifier of its own and gives the answer to it. */
  async ask(protocol: number, options: string | Uint8Array, patienceMs?: number): Promise<Frame> {
    this.#id = (this.#id + 1) & 255;
    const id = this.#id;
    this.packet(protocol, REQUEST, id, options);
    const isAnswer = (frame: Frame) =>
      frame.protocol === protocol && frame.id === id && frame.code >= 2 && frame.code <= 4;
    return this.next(isAnswer, `an answer to the request of ${protocol.toString(16)}`, patienceMs);
  }

  /** LCP with these options of ours; gives the LNS's last request. */
  async lcp(options = `0506${this.magic.toString("hex")}`, patienceMs?: number): Promise<Frame> {
    await until(
      () => this.frames.some(({ protocol, code }) => protocol === LCP && code === REQUEST),
      "LCP begins",
    );
    const { code } = await this.ask(LCP, options, patienceMs);
    if (code !== 2) throw new Error(`the LNS refuses ${options}`);
    return this.frames.findLast(({ protocol, code }) => protocol === LCP && code === REQUEST) as Frame;
  }

  /** The method that the LNS demands: the value of its option 3. */
  get demand(): string {
    const request = this.frames.findLast(({ protocol, code }) => protocol === LCP && code === REQUEST);
    for (let at = 0; request && at < request.data.length; at += request.data[at + 1] as number) {
      if (request.data[at] === 3)
        return request.data.subarray(at + 2, at + (request.data[at + 1] as number)).toString("hex");
    }
    return "";
  }

  /** Refuses the LNS's demand until it demands this. */
  async demandIs(value: string): Promise<void> {
    this.agreeable.delete(LCP);
    for (let tries = 0; tries < 8; tries++) {
      const request = await this.next(
        ({ protocol, code }) => protocol === LCP && code === REQUEST,
        "a request of LCP",
      );
      const isIt = this.demand === value;
      if (isIt) this.packet(LCP, 2, request.id, request.data);
      else
        this.packet(LCP, 3, request.id, `03${(2 + value.length / 2).toString(16).padStart(2, "0")}${value}`);
      if (isIt) break;
    }
    this.agreeable.add(LCP);
  }

  /** PAP. @returns the answer. */
  async pap(
    user: string | Uint8Array,
    password: string | Uint8Array,
    id = 1,
    patienceMs?: number,
  ): Promise<Frame> {
    const [name, secret] = [Buffer.from(user as string), Buffer.from(password as string)];
    const data = Buffer.concat([Buffer.of(name.length), name, Buffer.of(secret.length), secret]);
    this.packet(PAP, 1, id, data);
    return this.next(
      ({ protocol, code, id: its }) => protocol === PAP && code > 1 && its === id,
      "an answer to PAP",
      patienceMs,
    );
  }

  /** The challenge of CHAP that waits, and its identifier. */
  async challenge(): Promise<{ id: number; value: Buffer }> {
    const { id, data } = await this.next(
      ({ protocol, code }) => protocol === CHAP && code === 1,
      "a challenge",
    );
    return { id, value: data.subarray(1, 1 + (data[0] as number)) };
  }

  /** CHAP with MD5. */
  async chap(user: string | Uint8Array, password: string | Uint8Array): Promise<Frame> {
    const { id, value } = await this.challenge();
    const response = chapMd5(id, password, value);
    this.packet(CHAP, 2, id, Buffer.concat([Buffer.of(16), response, Buffer.from(user as string)]));
    return this.next(
      ({ protocol, code, id: its }) => protocol === CHAP && code > 2 && its === id,
      "CHAP's word",
    );
  }

  /** MS-CHAPv2. @returns the answer, what it has to say, and the master key. */
  async mschapV2(user: string, password: string) {
    const { id, value } = await this.challenge();
    const { value: response, ...rest } = mschapV2(Buffer.from(user), password, value, randomBytes(16));
    this.packet(CHAP, 2, id, Buffer.concat([Buffer.of(49), response, Buffer.from(user)]));
    const isWord = ({ protocol, code, id: its }: Frame) => protocol === CHAP && code > 2 && its === id;
    return { answer: await this.next(isWord, "CHAP's word"), ...rest };
  }

  /** IPCP: takes the address that it is given. */
  async ipcp(options = "0306 00000000"): Promise<string> {
    const nak = await this.ask(IPCP, options);
    if (nak.code !== 3) throw new Error(`IPCP: ${nak.octets.toString("hex")}`);
    const ack = await this.ask(IPCP, nak.data);
    if (ack.code !== 2) throw new Error(`IPCP: ${ack.octets.toString("hex")}`);
    return [...nak.data.subarray(2, 6)].join(".");
  }

  /** All the way, with PAP. @returns our address. */
  async up(user = "test", password = "test"): Promise<string> {
    await this.demandIs("c023");
    await this.lcp();
    const { code } = await this.pap(user, password);
    if (code !== 2) throw new Error("PAP was refused");
    return this.ipcp();
  }

  /** Waits for the CDN. @returns what it says of PPP's end (RFC 3145): the code, and the words. */
  async cdn(patienceMs = 10_000): Promise<{ code: number; text: string }> {
    await until(() => this.ended() !== undefined, "a CDN", patienceMs);
    const cause = this.ended()?.get(46) ?? Buffer.alloc(5);
    return { code: cause.readUInt16BE(0), text: cause.subarray(5).toString() };
  }

  /** Frames of a protocol and a code. */
  all(protocol: number, code?: number): Frame[] {
    return this.frames.filter(
      (frame) => frame.protocol === protocol && (code === undefined || frame.code === code),
    );
  }
}
