/** Prefixes as text, checked before anything is made of them. */
import { parseIpv4, parseIpv6 } from "@l2tp/ppp";
import { ParameterError } from "../errors.ts";

/** `address/length` of either family; bits behind the length are no error, as people write them. @throws ParameterError */
export function checkPrefix(path: string, text: string): void {
  const [address = "", bits] = text.split("/");
  const most = parseIpv4(address) ? 32 : parseIpv6(address) ? 128 : -1;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : 129;
  if (most < 0 || length > most) {
    throw new ParameterError(path, `a prefix such as 10.0.0.0/24 or 2001:db8::/48 was expected, got ${text}`);
  }
}

/** An IPv6 prefix of a length in range. @throws ParameterError */
export function checkIpv6Prefix(path: string, text: string, least: number, most: number): void {
  checkPrefix(path, text);
  const [address = "", bits = "128"] = text.split("/");
  if (parseIpv6(address) === undefined || Number(bits) < least || Number(bits) > most) {
    const length = least === most ? `/${least}` : `/${least} to /${most}`;
    throw new ParameterError(path, `an IPv6 prefix of ${length} was expected, got ${text}`);
  }
}
