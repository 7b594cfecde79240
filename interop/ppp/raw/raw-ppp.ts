/** One end of a PPP session on raw octets: it does what it is told, however wrong that is. */
import { randomBytes } from "node:crypto";
import { until } from "@l2tp/lab";
import { chapMd5, mschapV2 } from "./arithmetic.ts";

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
export const u16 = (value: number): Buffer => Buffer.of(value >> 8, value);

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
  async next(what: (frame: Frame) => boolean, why: string, patienceMs?: number): Promise<Frame> {
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
  async cdn(): Promise<{ code: number; text: string }> {
    await until(() => this.ended() !== undefined, "a CDN");
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
