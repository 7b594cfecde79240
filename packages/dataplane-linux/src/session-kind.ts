/**
 * What differs between the pseudowires: how a session comes into the kernel, what its interface is, and how it goes.
 * All else (IDs, checks, sequencing, statistics, watching, closing) is the same for all and in `session.ts`.
 */
import type { InterfaceAddress, PppLink, SessionPlaneParameters } from "@l2tp/dataplane";
import type { L2tpVersion, Pseudowire } from "@l2tp/protocol";
import type { DescriptorBudget } from "./descriptors.ts";
import type { Kernel } from "./kernel.ts";
import type { KernelTunnel } from "./kernel-tunnel.ts";

/** What a session is made in. */
export interface SessionHost {
  readonly kernel: Kernel;
  /** The kernel's tunnel; its ID may differ from the session's tunnel's (see `kernel-tunnel.ts`). */
  readonly carrier: KernelTunnel;
  readonly version: L2tpVersion;
  /** Descriptors are taken here before they are opened, and released after. */
  readonly descriptors: DescriptorBudget;
  /** For messages: `tunnel 1, session 2`. */
  readonly what: string;
  /** MTU that the interface is to have: the wished one, or what the path to the peer leaves. */
  readonly mtuOctets: number;
  /** The session has ended by itself (pppd did, say). Not called for what the kernel's tables show. */
  lost(reason: string): void;
  /** The addresses of its interface have been negotiated, or are gone. */
  addressesChanged(interfaceName: string, addresses: readonly InterfaceAddress[]): void;
  /** It goes on without something that it was to have; see the notice `feature-missing`. */
  missing(feature: string, why: string): void;
  /** @throws PlaneError `route-through-itself` when the peer is reached through this interface */
  refuseLoop(interfaceIndex: number, interfaceName: string): Promise<void>;
}

/** A session in the kernel. */
export interface KernelSession {
  readonly interfaceName: string | undefined;
  /** Index of the interface, where it goes when the session does. */
  readonly interfaceIndex: number | undefined;
  /** Where they are negotiated: those that are now. */
  readonly addresses?: readonly InterfaceAddress[];
  /** Of a session that is run by whoever made it. */
  readonly link?: PppLink;
  /** MTU of the interface, where it is negotiated. */
  readonly mtuOctets?: number;
  /** @throws SyscallError */
  setMtu(mtuOctets: number): Promise<void>;
  /**
   * Takes it out of the kernel; idempotent, and no error when it has gone already.
   * @param withTunnel - the tunnel is being deleted, which deletes sessions by itself.
   */
  remove(withTunnel: boolean): Promise<void>;
}

/** How sessions of a pseudowire are made. */
export interface SessionKind {
  /**
   * Makes it; on failure nothing is left.
   * @throws PlaneError, SyscallError
   */
  create(host: SessionHost, parameters: SessionPlaneParameters): Promise<KernelSession>;
}

/** Those that this data plane has. */
export type SessionKinds = Readonly<Partial<Record<Pseudowire, SessionKind>>>;
