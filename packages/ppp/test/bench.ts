/** One link whose peer is written out, octet by octet. */
import { expect } from "vitest";
import { type PppEvent, type PppOptions, PppSession, pppSettings } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";
import { octets, rng } from "./pair.ts";

/** One link, spoken to by hand. */
export class Bench {
  now = 0;
  readonly link: PppSession;
  readonly events: PppEvent[] = [];

  constructor(options: PppOptions = {}, seed = 3) {
    this.link = new PppSession(pppSettings(options), octets(rng(seed)));
    this.link.start(0);
  }

  /** What the link sent since the last call, in hexadecimal. */
  get sent(): string[] {
    const frames: string[] = [];
    for (let event = this.link.pollEvent(); event; event = this.link.pollEvent()) {
      if (event.type === "frame") frames.push(toHex(event.frame));
      else this.events.push(event);
    }
    return frames;
  }

  send(text: string): string[] {
    this.link.receive(this.now, hex(text));
    return this.sent;
  }

  /** Jumps from timer to timer until `at`. */
  wait(ms: number): string[] {
    const end = this.now + ms;
    const frames = this.sent;
    for (let due = this.link.pollTimeout(); due !== undefined && due <= end; due = this.link.pollTimeout()) {
      this.now = Math.max(this.now, due);
      this.link.handleTimeout(this.now);
      frames.push(...this.sent);
    }
    this.now = end;
    return frames;
  }

  /** Brings LCP up with a peer that has no wishes. */
  open(): this {
    const request = this.sent.find((frame) => frame.startsWith("c02101")) as string;
    this.send("c021 01 01 0004");
    this.send(`c021 02 ${request.slice(6)}`);
    expect(this.link.states.lcp).toBe("Opened");
    return this;
  }

  get down() {
    return this.events.find((event) => event.type === "down")?.reason;
  }
}
