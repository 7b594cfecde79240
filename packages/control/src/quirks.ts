/**
 * Leniencies for peers that break the RFC in known ways: named, asked for in the settings or brought by the peer's
 * Vendor Name, and shown in the status. What every peer gets anyway (a Result Code of two octets, or in the wrong byte
 * order) is the codec's, and noted here so that the status can tell.
 */
import type { Quirks } from "@l2tp/protocol";

/** One leniency, or a peer that needs some. */
interface Quirk {
  /** For people. */
  readonly text: string;
  /** The Vendor Name that brings it. */
  readonly vendor?: RegExp;
  /** What the codec tolerates. */
  readonly decode?: Quirks;
  /** The peer does not answer Hello: none is sent, and PPP's echo has to find out. */
  readonly withoutHello?: true;
  /** At least so many retransmissions. */
  readonly retries?: number;
  /** Messages with Tunnel ID 0 belong to the tunnel of the address they come from. */
  readonly zeroTunnelId?: true;
  /** Only seen, nothing follows from it. */
  readonly noted?: true;
}

const row = <const T extends Record<string, Quirk>>(rows: T): T => rows;

/** Every quirk by its name. */
export const QUIRKS = row({
  apple: {
    text: "macOS and iOS: may not answer Hello (LCP echo finds out); Result Code may be in the wrong byte order",
    withoutHello: true,
  },
  android: { text: "Android 9 and 10 do not answer Hello (LCP echo finds out)", withoutHello: true },
  windows: {
    text: "Windows: one session for each tunnel, vendor AVP 311/1 in its ICRQ",
    vendor: /^Microsoft/,
  },
  mikrotik: {
    text: "MikroTik: Result Code without Error Code; any port after the set-up",
    vendor: /^MikroTik/i,
  },
  huawei: {
    text: "Huawei: Receive Window Size 0 means automatic, taken as 4",
    vendor: /^Huawei/i,
    decode: { zeroReceiveWindow: true },
  },
  juniper: {
    text: "Juniper: silent during an in-service upgrade, so at least 16 retransmissions",
    vendor: /^Juniper/i,
    retries: 16,
  },
  dlink: { text: "D-Link DIR-300: Tunnel ID 0 in all its messages", zeroTunnelId: true },
  meraki: {
    text: "Meraki: sends SLI whatever its role, and data before our acknowledgement",
    vendor: /^(Meraki|Katalix)/i,
  },
  "unknown-mandatory": {
    text: "unknown AVPs with the M bit are ignored",
    decode: { tolerateUnknownMandatory: true },
  },
  "missing-avps": { text: "required AVPs may be missing", decode: { tolerateMissing: true } },
  "zero-window": { text: "the peer said Receive Window Size 0; 4 is taken", noted: true },
  "swapped-result": { text: "the peer sent a Result Code in the wrong byte order", noted: true },
  "short-result": {
    text: "the peer sent a Result Code of two octets where an Error Code was due",
    noted: true,
  },
});

/** Name of a quirk. */
export type QuirkName = keyof typeof QUIRKS;

const rows: Readonly<Record<string, Quirk>> = QUIRKS;

/** Whether this is the name of one. */
export const isQuirkName = (name: string): name is QuirkName => Object.hasOwn(QUIRKS, name);

/** The quirks that a peer's Vendor Name brings. */
export function quirksOfVendor(vendorName: string): readonly QuirkName[] {
  return (Object.keys(rows) as QuirkName[]).filter((name) => rows[name]?.vendor?.test(vendorName));
}

/** What a set of quirks comes to. */
export interface Leniency {
  readonly decode: Quirks;
  readonly withoutHello: boolean;
  readonly retries: number;
  readonly zeroTunnelId: boolean;
}

/** Nothing out of the ordinary; but a window of 0 is taken from everybody, as routers in the field send it. */
export const STRICT: Leniency = {
  decode: { zeroReceiveWindow: true },
  withoutHello: false,
  retries: 0,
  zeroTunnelId: false,
};

/** @returns what these quirks come to together. */
export function leniencyOf(names: readonly QuirkName[]): Leniency {
  let leniency = STRICT;
  for (const name of names) {
    const quirk = rows[name] as Quirk;
    if (quirk.noted) continue;
    leniency = {
      decode: { ...leniency.decode, ...quirk.decode },
      withoutHello: leniency.withoutHello || quirk.withoutHello === true,
      retries: Math.max(leniency.retries, quirk.retries ?? 0),
      zeroTunnelId: leniency.zeroTunnelId || quirk.zeroTunnelId === true,
    };
  }
  return leniency;
}
