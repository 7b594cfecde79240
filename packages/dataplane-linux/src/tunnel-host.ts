/** What a tunnel needs of the wire that it is on. */
import type { DataPlaneCapabilities, NoticeQueue } from "@l2tp/dataplane";
import type { Pseudowire, SocketAddress } from "@l2tp/protocol";
import type { DescriptorBudget } from "./descriptors.ts";
import type { Kernel } from "./kernel.ts";
import type { KernelTunnel } from "./kernel-tunnel.ts";
import type { Pacer } from "./pacer.ts";
import type { SessionKinds } from "./session-kind.ts";

/** A tunnel, from above. */
export interface HostedTunnel {
  readonly tunnelId: number;
  readonly carrier: KernelTunnel;
}

/** The wire, from below. */
export interface TunnelHost {
  readonly kernel: Kernel;
  readonly capabilities: DataPlaneCapabilities;
  readonly descriptors: DescriptorBudget;
  readonly pacer: Pacer;
  readonly kinds: SessionKinds;
  /** Pseudowires that cannot be had here, and why. */
  readonly missing: ReadonlyMap<Pseudowire, string>;
  readonly notices: NoticeQueue;
  /** @throws PlaneError `closed` */
  requireOpen(): void;
  /**
   * Takes a session ID of L2TPv3: unique on the wire, over IP in the network namespace.
   * @throws PlaneError `id-in-use`
   */
  claimSession(sessionId: number, what: string): void;
  releaseSession(sessionId: number): void;
  /** @throws PlaneError */
  movePeer(tunnel: HostedTunnel, peer: SocketAddress): void;
  /** Whether the kernel's tunnel goes with this one. */
  isLastOn(tunnel: HostedTunnel): boolean;
  /** The tunnel is closed; its ID is free when this resolves. */
  leave(tunnel: HostedTunnel): Promise<void>;
}
