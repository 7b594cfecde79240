/** A LAC on raw octets, which brings an LNS its subscribers. */
import { randomBytes } from "node:crypto";
import type { Site } from "@l2tp/lab";
import { tunnelResponse } from "./arithmetic.ts";
import { hex, type RawSubscriber, u16 } from "./raw-ppp.ts";
import { avp, MESSAGE, RawTunnel } from "./raw-tunnel.ts";

/** One tunnel to an LNS, and its sessions. */
export class RawLac extends RawTunnel {
  readonly #secret: string;

  constructor(site: Site, lns: string, { secret = "opensesame", port = 1701 } = {}) {
    super(site, 0, { address: lns, port });
    this.#secret = secret;
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
      avp(9, u16(this.id)),
      avp(10, u16(64)),
      avp(11, challenge),
    );
    const { avps } = await this.told(MESSAGE.sccrp, 0);
    this.peer = (avps.get(9) as Buffer).readUInt16BE(0);
    const theirs = avps.get(11);
    const proof = theirs === undefined ? [] : [avp(13, tunnelResponse(3, this.#secret, theirs))];
    this.tell(MESSAGE.scccn, 0, ...proof);
    return this;
  }

  /** A session. @param called - number, by which it gets its profile. @param more - AVPs for the ICCN. */
  async call(called = "", more: readonly Uint8Array[] = []): Promise<RawSubscriber> {
    const id = this.nextSession();
    const number = called === "" ? [] : [avp(21, Buffer.from(called))];
    this.tell(
      MESSAGE.icrq,
      0,
      avp(14, u16(id)),
      avp(15, hex("00000001")),
      avp(18, hex("00000002")),
      ...number,
    );
    const { avps } = await this.told(MESSAGE.icrp, id);
    const theirs = (avps.get(14) as Buffer).readUInt16BE(0);
    const subscriber = this.begin(id, theirs);
    this.tell(MESSAGE.iccn, theirs, avp(24, hex("000f4240")), avp(19, hex("00000001")), ...more);
    return subscriber;
  }
}
