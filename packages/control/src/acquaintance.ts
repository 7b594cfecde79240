/** What is learnt of a peer from what it says of itself, and what follows for its channel. */
import type { Instant } from "@l2tp/protocol";
import type { TransportSettings } from "@l2tp/transport";
import type { Core } from "./core.ts";
import type { MessageOf } from "./message-of.ts";
import { leniencyOf, type QuirkName, quirksOfVendor } from "./quirks.ts";
import type { Tunnel } from "./state.ts";

export class Acquaintance {
  readonly #core: Core;
  readonly #transports = new Map<TransportSettings, Map<string, TransportSettings>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** The Assigned Tunnel ID of the peer. */
  learnPeerId(now: Instant, tunnel: Tunnel, peerTunnelId: number): void {
    tunnel.peerTunnelId = peerTunnelId;
    this.#core.transport.configure(tunnel.channel, now, { peerConnectionId: peerTunnelId });
  }

  /** All else of its SCCRQ or SCCRP. */
  learnFacts(now: Instant, tunnel: Tunnel, message: MessageOf<"SCCRQ" | "SCCRP">): void {
    const core = this.#core;
    const vendorName = message.vendorName ?? "";
    tunnel.facts = {
      hostName: message.hostName,
      vendorName,
      firmwareRevision: message.firmwareRevision,
      framingCapabilities: message.framingCapabilities,
      bearerCapabilities: message.bearerCapabilities,
      receiveWindowSize: message.receiveWindowSize,
      modemOnHold: message.modemOnHoldCapable !== undefined,
    };
    this.learnQuirks(tunnel, quirksOfVendor(vendorName));
    if (message.receiveWindowSize === 0) this.learnQuirk(tunnel, "zero-window");
    this.configure(now, tunnel);
    core.transport.configure(tunnel.channel, now, { peerWindow: message.receiveWindowSize ?? 0 });
  }

  /** Notes a quirk of the peer, for the status. */
  learnQuirk(tunnel: Tunnel, name: QuirkName): void {
    this.learnQuirks(tunnel, [name]);
  }

  /** Adds quirks, each once. */
  learnQuirks(tunnel: Tunnel, names: readonly QuirkName[]): void {
    const fresh = names.filter((name) => !tunnel.quirks.includes(name));
    if (fresh.length === 0) return;
    tunnel.quirks = [...tunnel.quirks, ...fresh];
    tunnel.leniency = leniencyOf(tunnel.quirks);
  }

  /** Gives the channel the settings that follow from the tunnel's, its quirks, and whether the peer is verified. */
  configure(
    now: Instant,
    tunnel: Tunnel,
    verified = tunnel.originator || tunnel.establishedAt !== undefined,
  ): void {
    const settings = this.#transportOf(tunnel, verified);
    this.#core.transport.configure(tunnel.channel, now, { settings });
  }

  /** Tunnels with the same settings share one object of them. */
  #transportOf(tunnel: Tunnel, verified: boolean): TransportSettings {
    const base = tunnel.settings.transport;
    const { retries, withoutHello } = tunnel.leniency;
    if (verified && retries === 0 && !withoutHello) return base;
    const key = `${verified}/${retries}/${withoutHello}`;
    const variants = this.#transports.get(base) ?? new Map<string, TransportSettings>();
    const known = variants.get(key);
    if (known !== undefined) return known;
    const maxRetries = verified
      ? Math.max(base.maxRetries, retries)
      : Math.min(base.maxRetries, this.#core.settings.unverifiedRetries);
    const made = { ...base, maxRetries, ...(withoutHello && { helloTimeoutMs: 0 }) };
    variants.set(key, made);
    // Each decision may bring settings of its own: this is a cache, not a register.
    if (this.#transports.size >= 64) this.#transports.clear();
    this.#transports.set(base, variants);
    return made;
  }
}
