/** What both kinds of PPP sessions do about sequence numbers and sizes; who runs PPP is the difference between them. */
import { checkSessionChange, type SessionPlaneChange } from "@l2tp/dataplane";
import { BaseSession } from "./base-session.ts";
import { changeSequencing } from "./ppp-entries.ts";

/** See the file's head. */
export abstract class PppBaseSession<Self> extends BaseSession<Self> {
  /** @throws PlaneError */
  protected abstract setMtu(mtuOctets: number): Promise<void>;

  /** Follows the LNS, unless numbers have come to be required since. */
  numbered(on: boolean): void {
    if (this.closed || this.parameters.receiveSequence) return;
    // What fails, with the wire or the session gone, is as good as done.
    void this.update({ sendSequence: on }).catch(() => {});
    const { tunnelId, sessionId } = this;
    this.wire.notice({ type: "sequencing", tunnelId, sessionId, on });
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.requireOpen();
    checkSessionChange(change, this.parameters, this.version);
    const { mtuOctets, ...sequencing } = change;
    this.parameters_ = { ...this.parameters_, ...sequencing };
    await changeSequencing(this, this.parameters, sequencing);
    if (sequencing.sendSequence !== undefined) await this.bridged?.refresh();
    if (mtuOctets === undefined) return;
    await this.setMtu(mtuOctets);
    this.mtuOctets_ = mtuOctets;
  }
}
