/** Names of leniencies for broken peers: `QUIRKS` of `@l2tp/control`, against which a test holds them. */

/** Those that can be asked for; what is only noted of a peer is not among them. */
export const QUIRK_WORDS = [
  "apple",
  "android",
  "windows",
  "mikrotik",
  "huawei",
  "juniper",
  "dlink",
  "meraki",
  "unknown-mandatory",
  "missing-avps",
] as const;

/** One of {@link QUIRK_WORDS}. */
export type QuirkWord = (typeof QUIRK_WORDS)[number];
