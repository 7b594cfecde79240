/**
 * What PPP decides, in the data plane: configurations one after the other, and only then the gates open, so that no packet
 * passes before its addresses, sizes and keys are there. Gates close at once.
 */
import type { PppLink, PppLinkConfiguration, PppNetworkProtocol } from "@l2tp/dataplane";

/** What a {@link PlaneLink} tells. */
export interface PlaneLinkOwner {
  /** All that was asked for is done. */
  planeSettled(): void;
  /** The data plane could not do what it was told. */
  planeFailed(error: unknown): void;
}

const NONE: readonly never[] = [];

/** See the file's head. */
export class PlaneLink {
  readonly #link: PppLink;
  readonly #owner: PlaneLinkOwner;
  /** Configurations that were not begun: the newest, and before it one without encryption where that ended in between. */
  #wanted: readonly PppLinkConfiguration[] = NONE;
  #isBusy = false;
  #hasEnded = false;
  /** Gates that open when the configuration is done. */
  #opening: readonly PppNetworkProtocol[] = NONE;

  constructor(link: PppLink, owner: PlaneLinkOwner) {
    this.#link = link;
    this.#owner = owner;
  }

  /** Everything is done. */
  get isSettled(): boolean {
    return !this.#isBusy;
  }

  configure(configuration: PppLinkConfiguration): void {
    if (this.#hasEnded) return;
    // With the same keys as before encryption begins anew only where the data plane has heard of its end.
    const ends =
      configuration.mppe === undefined ? NONE : this.#wanted.filter(({ mppe }) => mppe === undefined);
    this.#wanted = [...ends, configuration];
    if (!this.#isBusy) void this.#run();
  }

  gate(protocol: PppNetworkProtocol, mode: "pass" | "drop"): void {
    if (this.#hasEnded) return;
    const others = this.#opening.filter((one) => one !== protocol);
    if (mode === "pass" && this.#isBusy) this.#opening = [...others, protocol];
    else {
      this.#opening = others.length === 0 ? NONE : others;
      this.#link.gate(protocol, mode);
    }
  }

  /** The link is gone: nothing is asked of it any more. */
  end(): void {
    this.#hasEnded = true;
    this.#wanted = NONE;
    this.#opening = NONE;
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        await this.#link.configure(next);
      } catch (error) {
        if (!this.#hasEnded) this.#owner.planeFailed(error);
      }
    }
    this.#isBusy = false;
    if (this.#hasEnded) return;
    for (const protocol of this.#opening) this.#link.gate(protocol, "pass");
    this.#opening = NONE;
    this.#owner.planeSettled();
  }

  #next(): PppLinkConfiguration | undefined {
    const [next, ...others] = this.#wanted;
    this.#wanted = others.length === 0 ? NONE : others;
    return next;
  }
}
