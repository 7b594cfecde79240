/** What those who ask the kernel of one network namespace need of it; see `kernel.ts`. */
import type { NetlinkRequest, ResolvedFamily } from "@l2tp/linux";

export interface KernelAccess {
  readonly family: ResolvedFamily;
  /** @throws NetlinkError when the kernel refuses */
  run<T>(request: NetlinkRequest<T>): Promise<T>;
  /** Whether a tunnel of this ID is there, whoever made it. */
  hasTunnel(tunnelId: number): Promise<boolean>;
  /** Waits until a tunnel that was deleted is gone with its sessions. */
  gone(tunnelId: number): Promise<void>;
}
