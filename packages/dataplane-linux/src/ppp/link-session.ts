/** Pseudowire `ppp` without pppd: whoever makes the session runs its PPP, through {@link KernelPppLink}. */
import { type Bridge, PlaneError, type SessionPlaneParameters } from "@l2tp/dataplane";
import { type Fd, ppp, SyscallError, sys } from "@l2tp/linux";
import { kernelError } from "../failure.ts";
import type { KernelSession } from "../session-kind.ts";
import type { PppHost } from "./host.ts";
import { KernelPppLink } from "./kernel-link.ts";
import { KernelPppSession } from "./kernel-session.ts";
import { checkLinkSettings } from "./link-settings.ts";
import { type Channel, openChannel } from "./unit.ts";

/** The socket of the session, and `/dev/ppp` for its channel and its unit. */
const DESCRIPTORS = 3;
/** `chan->ops`: what an old kernel says of a request that it does not know. */
const UNKNOWN_REQUEST = ["ENOTTY", "EINVAL"];

/**
 * Makes the session, with a channel and no interface yet. On failure nothing is left.
 * @throws PlaneError `unsupported`, `invalid-parameters`, `limit`, `id-in-use`, …
 */
export async function createLinkSession(
  host: PppHost,
  parameters: SessionPlaneParameters,
): Promise<KernelSession> {
  const { what, descriptors } = host;
  checkLinkSettings(what, parameters);
  descriptors.take(DESCRIPTORS, what);
  let kernelSession: KernelPppSession | undefined;
  try {
    kernelSession = await KernelPppSession.create(host, parameters);
    const channel = await openChannel(host, kernelSession.socket.fd);
    return new PppLinkSession(host, parameters, kernelSession, channel);
  } catch (error) {
    await kernelSession?.remove();
    descriptors.release(DESCRIPTORS);
    throw kernelError(error, what);
  }
}

export class PppLinkSession implements KernelSession {
  readonly link: KernelPppLink;
  readonly #host: PppHost;
  readonly #kernelSession: KernelPppSession;
  readonly #channel: Channel;
  #bridge: { readonly other: PppLinkSession; readonly end: () => Promise<void> } | undefined;
  #mtuOctets: number;
  #told = false;
  #removing: Promise<void> | undefined;

  /** @param channel - owned from here on. */
  constructor(
    host: PppHost,
    parameters: SessionPlaneParameters,
    kernelSession: KernelPppSession,
    channel: Channel,
  ) {
    this.#host = host;
    this.#kernelSession = kernelSession;
    this.#channel = channel;
    this.#mtuOctets = host.mtuOctets;
    const settings = checkLinkSettings(host.what, parameters);
    this.link = new KernelPppLink(host, settings, parameters.interface?.name, channel, {
      // In a turn of its own: whoever asked for the session has it by then, and not before.
      lost: (reason) => setImmediate(() => this.#lost(reason)),
      mtuChanged: (mtuOctets) => {
        this.#mtuOctets = mtuOctets;
      },
    });
  }

  #lost(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#host.lost(reason);
  }

  get interfaceName(): string | undefined {
    return this.link.unit?.name;
  }

  /** None: its descriptor tells that the interface goes, which the session does not go with. */
  get interfaceIndex(): undefined {
    return undefined;
  }

  get addresses(): KernelPppLink["addresses"] {
    return this.link.addresses;
  }

  get mtuOctets(): number {
    return this.#mtuOctets;
  }

  setMtu(mtuOctets: number): Promise<void> {
    this.#mtuOctets = mtuOctets;
    return this.link.setMtu(mtuOctets);
  }

  /**
   * Joins the channels of two sessions.
   * @throws PlaneError `unsupported`, `invalid-parameters`
   */
  async bridge(other: PppLinkSession): Promise<Bridge> {
    const { what } = this.#host;
    if (other === this || this.#bridge !== undefined || other.#bridge !== undefined) {
      const text =
        other === this ? "a session cannot be joined to itself" : "one of the two is joined already";
      throw new PlaneError("invalid-parameters", `${what}: ${text}`);
    }
    let ended: Promise<void> | undefined;
    const end = (): Promise<void> => {
      ended ??= this.#part(other);
      return ended;
    };
    this.#bridge = { other, end };
    other.#bridge = { other: this, end };
    try {
      await Promise.all([this.link.detach(), other.link.detach()]);
      const { namespace } = other.#host.kernel;
      await ppp.bridgeChannelsLater(this.#channel.fd, other.#channel.index, namespace);
    } catch (error) {
      await end();
      if (error instanceof SyscallError && UNKNOWN_REQUEST.includes(error.code)) {
        const text = `${what}: this kernel cannot bridge PPP channels: that needs Linux 5.11 or newer`;
        throw new PlaneError("unsupported", text, { cause: error });
      }
      throw kernelError(error, `${what}: bridge`);
    }
    return { kind: "direct", [Symbol.asyncDispose]: end };
  }

  async #part(other: PppLinkSession): Promise<void> {
    // Gone with one of them, perhaps.
    await ppp.unbridgeChannelLater(this.#channel.fd).catch(() => {});
    await Promise.allSettled([this.link.attach(), other.link.attach()]);
    this.#bridge = undefined;
    other.#bridge = undefined;
  }

  remove(): Promise<void> {
    this.#removing ??= (async () => {
      this.#told = true;
      // First, so that nothing is put back where it is about to go.
      const linkGone = this.link.close();
      await this.#bridge?.end();
      await linkGone;
      sys.close(this.#channel.fd as Fd);
      await this.#kernelSession.remove();
      this.#host.descriptors.release(DESCRIPTORS);
    })();
    return this.#removing;
  }
}
