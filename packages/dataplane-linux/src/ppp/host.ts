/** What PPP sessions need of whoever makes them. */
import type { InterfaceAddress } from "@l2tp/dataplane";
import type { Kernel } from "../kernel.ts";
import type { Pppol2tpTunnel } from "./pppol2tp.ts";

/** A wire and a tunnel, as seen by a PPP session. */
export interface PppHost {
  readonly kernel: Pick<Kernel, "family" | "run" | "inNamespace" | "route" | "namespace" | "mss" | "units">;
  /** The kernel's tunnel. */
  readonly carrier: Pppol2tpTunnel;
  /** Descriptors are counted before they are opened. */
  readonly descriptors: { take(count: number, what: string): void; release(count: number): void };
  /** For messages: `tunnel 1, session 2`. */
  readonly what: string;
  /** What fits the path to the peer, or what was asked for. */
  readonly mtuOctets: number;
  /** The session has ended by itself. */
  lost(reason: string): void;
  /** Addresses have been negotiated, or are gone. */
  addressesChanged(interfaceName: string, addresses: readonly InterfaceAddress[]): void;
  /** The session goes on without something that the kernel cannot do here; see the notice `feature-missing`. */
  missing(feature: string, why: string): void;
  /** A line for people, without secrets: what pppd says. */
  log(line: string): void;
  /** @throws PlaneError `route-through-itself` when the peer is reached through this interface */
  refuseLoop(interfaceIndex: number, interfaceName: string): Promise<void>;
}
