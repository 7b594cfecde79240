/** What of a PPP link's settings the kernel can do, and what of a configuration becomes addresses, routes and sources. */
import {
  type InterfaceAddress,
  PlaneError,
  type PppLinkConfiguration,
  type PppLinkSettings,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { parseIp } from "@l2tp/linux";

/** fe80::/64: what is on the link. */
const LINK_LOCAL_LENGTH = 64;

/** Checks before anything is opened. @throws PlaneError `unsupported`, `invalid-parameters` */
export function checkLinkSettings(
  what: string,
  { pppLink, interface: wanted = {} }: SessionPlaneParameters,
): PppLinkSettings {
  const settings = pppLink as PppLinkSettings;
  const { attach } = settings;
  const unsupported = (text: string) =>
    new PlaneError("unsupported", `${what}: ${text}; or take the userspace data plane`);
  if (attach.to === "shared") {
    throw unsupported(
      `the kernel gives each PPP session an interface of its own and has none to share (${attach.name}): attach it to "interface"`,
    );
  }
  if (attach.to === "program") {
    throw unsupported('the kernel keeps the packets of a PPP session to itself: attach it to "interface"');
  }
  if (settings.rateLimit !== undefined) throw rateLimit(what);
  const { macAddress, bridge, addresses = [] } = wanted;
  const invalid = (text: string) => new PlaneError("invalid-parameters", `${what}: ${text}`);
  if (macAddress !== undefined) throw invalid("a PPP interface has no MAC address");
  if (bridge !== undefined) throw invalid("a PPP interface carries no Ethernet and joins no bridge");
  if (addresses.length > 0)
    throw invalid("the addresses of this PPP interface are those that are negotiated");
  return settings;
}

/** The kernel's PPP has no limit of rate. */
export const rateLimit = (what: string): PlaneError =>
  new PlaneError(
    "unsupported",
    `${what}: the kernel's PPP does not limit rates: leave the limit out and let tc do it ("tc qdisc add dev pppN root tbf …"), ` +
      "or take the userspace data plane",
  );

/** A prefix of an interface, `2001:db8::1/64`. @throws PlaneError `invalid-parameters` */
function splitAddress(what: string, text: string): { address: string; prefixLength: number } {
  const [address = "", length] = text.split("/");
  const most = address.includes(":") ? 128 : 32;
  const prefixLength = length === undefined ? most : Number(length);
  if (!/^\d*$/.test(length ?? "") || prefixLength > most) {
    throw new PlaneError(
      "invalid-parameters",
      `${what}: "${text}" is no address with the length of its network`,
    );
  }
  return { address, prefixLength };
}

/** Addresses of the interface. @throws PlaneError `invalid-parameters` */
export function addressesOf(what: string, { ipv4, ipv6 }: PppLinkConfiguration): InterfaceAddress[] {
  return [
    ...(ipv4?.local === undefined
      ? []
      : [
          {
            address: ipv4.local,
            prefixLength: 32,
            ...(ipv4.peer !== undefined && { peer: ipv4.peer }),
          },
        ]),
    ...(ipv6 === undefined
      ? []
      : [
          { address: ipv6.local, prefixLength: LINK_LOCAL_LENGTH },
          ...(ipv6.addresses ?? []).map((text) => splitAddress(what, text)),
        ]),
  ];
}

/** Checks all addresses before anything is changed. @throws PlaneError `invalid-parameters` */
export function checkAddresses(what: string, configuration: PppLinkConfiguration): void {
  const { ipv4, ipv6 } = configuration;
  const texts = [
    ...[ipv4?.local, ipv4?.peer, ipv6?.local, ipv6?.peer].filter((text) => text !== undefined),
    ...(ipv4?.routes ?? []),
    ...(ipv6?.addresses ?? []),
    ...(ipv6?.routes ?? []),
  ];
  for (const text of texts) {
    const { address } = splitAddress(what, text);
    try {
      parseIp(address);
    } catch (cause) {
      throw new PlaneError("invalid-parameters", `${what}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Before it has an address, who solicits a router or looks whether it may have one (RFC 4861 §4.1, §4.3); never forwarded. */
const UNSPECIFIED = "::";

/** Where packets of the peer come from. */
export function sourcesOf({ ipv4, ipv6 }: PppLinkConfiguration, { routes = [] }: PppLinkSettings): string[] {
  return [
    ...(ipv4?.peer === undefined ? [] : [ipv4.peer]),
    ...(ipv4?.routes ?? []),
    ...(ipv6 === undefined ? [] : [UNSPECIFIED, ipv6.peer, ...(ipv6.routes ?? [])]),
    ...routes,
  ];
}

/** Families whose default route is to lead into the session. */
export function defaultFamilies(
  { ipv4, ipv6 }: PppLinkConfiguration,
  { defaultRoute = false }: PppLinkSettings,
): (4 | 6)[] {
  if (!defaultRoute) return [];
  return [...(ipv4 === undefined ? [] : [4 as const]), ...(ipv6 === undefined ? [] : [6 as const])];
}

/** Where packets of ours go to the peer, but for what follows from the addresses, and default routes. */
export function destinationsOf(
  { ipv4, ipv6 }: PppLinkConfiguration,
  { routes = [] }: PppLinkSettings,
): string[] {
  const six = (text: string) => text.includes(":");
  const all = [
    // Unnumbered: no address brings the route to the peer along.
    ...(ipv4?.peer === undefined || ipv4.local !== undefined ? [] : [`${ipv4.peer}/32`]),
    ...(ipv4?.routes ?? []),
    ...(ipv6?.routes ?? []),
    // Each in its family, when that is up.
    ...routes.filter((route) => (six(route) ? ipv6 : ipv4) !== undefined),
  ];
  const byItself = ipv4?.local === undefined ? [] : [ipv4.peer, `${ipv4.peer}/32`];
  return [...new Set(all)].filter((destination) => !byItself.includes(destination));
}
