/** Who a host is in DHCPv6: a DUID from a UUID (RFC 6355), as it needs no hardware. */

const DUID_UUID = 4;

/** A new one, 18 octets. Keep it over restarts where that is possible: servers know their clients by it. */
export function newDuid(random: (octets: number) => Uint8Array): Uint8Array {
  const uuid = random(16).slice();
  // Version 4, variant 10 (RFC 9562 §5.4).
  uuid[6] = ((uuid[6] as number) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] as number) & 0x3f) | 0x80;
  return Uint8Array.of(0, DUID_UUID, ...uuid);
}
