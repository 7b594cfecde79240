/** What the data plane is told: the whole of what was agreed on, and which packets may pass. */
import type { NetworkProtocol } from "../events.ts";
import { MPPE_OVERHEAD, mssFor } from "../mtu.ts";
import type { LinkState } from "./state.ts";

/** Tells what the link is now; nothing while LCP is not Opened. */
export function configure(link: LinkState): void {
  const { agreed, settings } = link;
  if (agreed === undefined) return;
  const mtu = Math.min(agreed.peerMru, settings.mtu) - (link.mppe === undefined ? 0 : MPPE_OVERHEAD);
  const clamp = (family: 4 | 6) =>
    typeof settings.tcpMss === "number"
      ? Math.min(settings.tcpMss, mssFor(mtu, family))
      : mssFor(mtu, family);
  link.tell({
    type: "configure",
    configuration: {
      sendAccm: agreed.sendAccm,
      receiveAccm: agreed.receiveAccm,
      pfc: settings.sendCompressed && agreed.peerPfc,
      acfc: settings.sendCompressed && agreed.peerAcfc,
      mru: agreed.mru,
      mtu,
      tcpMss: settings.tcpMss === "off" ? undefined : { ipv4: clamp(4), ipv6: clamp(6) },
      ipv4: link.ipv4,
      ipv6: link.ipv6,
      mppe: link.mppe,
    },
  });
}

export function gate(link: LinkState, protocol: NetworkProtocol, mode: "pass" | "drop"): void {
  link.tell({ type: "gate", protocol, mode });
}

/** The gates of the protocols that are up. */
export function gateAll(link: LinkState, mode: "pass" | "drop"): void {
  if (link.ipv4 !== undefined) gate(link, "ipv4", mode);
  if (link.ipv6 !== undefined) gate(link, "ipv6", mode);
}
