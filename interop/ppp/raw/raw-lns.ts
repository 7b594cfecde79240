/** An LNS on raw octets, which a daemon dials. */
import { type Site, until } from "@l2tp/lab";
import { hex, type RawSubscriber, u16 } from "./raw-ppp.ts";
import { avp, MESSAGE, type Message, RawTunnel } from "./raw-tunnel.ts";

/** One tunnel that a LAC opens, and the calls that it brings. */
export class RawLns extends RawTunnel {
  /** Sessions by the number that they call, in the order of their calls. */
  readonly #calls = new Map<string, RawSubscriber[]>();

  /** @param lac - where it calls from: port 1701 of this address. */
  constructor(site: Site, lac: string) {
    super(site, 1701, { address: lac, port: 1701 });
  }

  protected override heard({ type, avps }: Message): void {
    if (type === MESSAGE.sccrq) {
      this.peer = avps.get(9)?.readUInt16BE(0) ?? 0;
      const name = avp(7, Buffer.from("raw"));
      this.tell(MESSAGE.sccrp, 0, avp(2, hex("0100")), avp(3, hex("00000003")), name, avp(9, u16(this.id)));
    }
    if (type !== MESSAGE.icrq) return;
    const [id, theirs] = [this.nextSession(), avps.get(14)?.readUInt16BE(0) ?? 0];
    // The daemon's first frame may come right after its ICCN.
    const called = avps.get(21)?.toString() ?? "";
    this.#calls.set(called, [...(this.#calls.get(called) ?? []), this.begin(id, theirs)]);
    this.tell(MESSAGE.icrp, theirs, avp(14, u16(id)));
  }

  /** The call of this number. @param nth - from 1 on: those that have ended count. */
  async call(called: string, nth = 1): Promise<RawSubscriber> {
    const find = () => this.#calls.get(called)?.[nth - 1];
    await until(() => find() !== undefined, `${called} calls the ${nth}. time`);
    return find() as RawSubscriber;
  }
}
