/** Our addresses and ports: one socket for each, so that limits per source and NATs can be tried. */
import { isIPv4, isIPv6 } from "node:net";
import type { SocketAddress } from "@l2tp/protocol";
import { UsageError } from "./errors.ts";

/** More sockets than this take longer to wait for than the load is worth. */
const MAXIMUM = 1_024;

/**
 * `127.0.0.2`, `127.0.0.2-127.0.0.50`, several with commas; nothing: any address.
 *
 * @param ports - sockets for each address.
 * @param firstPort - of the first socket of an address, the others follow; 0: whichever are free.
 * @throws UsageError
 */
export function sources(
  text: string | undefined,
  family: 4 | 6,
  ports: number,
  firstPort: number,
): SocketAddress[] {
  const addresses = (text ?? (family === 4 ? "0.0.0.0" : "::"))
    .split(",")
    .flatMap((one) => range(one, family));
  const all = addresses.flatMap((address) =>
    Array.from({ length: ports }, (_, n) => ({ family, address, port: firstPort === 0 ? 0 : firstPort + n })),
  );
  if (all.length > MAXIMUM)
    throw new UsageError(`${all.length} sockets were asked for, ${MAXIMUM} are the most`);
  if (firstPort + ports > 65_536)
    throw new UsageError(`--source-port ${firstPort} and ${ports} ports go beyond 65535`);
  return all;
}

function range(text: string, family: 4 | 6): string[] {
  const [from = "", to] = text.trim().split("-");
  const fits = (address: string) => (family === 4 ? isIPv4(address) : isIPv6(address.replace(/%.*$/, "")));
  if (!fits(from) || (to !== undefined && (family === 6 || !isIPv4(to)))) {
    throw new UsageError(
      `--source ${text}: an IPv${family} address like the target's was expected${family === 4 ? ", or two with a dash" : ""}`,
    );
  }
  if (to === undefined) return [from];
  const [first, last] = [number(from), number(to)];
  if (last < first || last - first >= MAXIMUM) {
    throw new UsageError(
      `--source ${text}: a range of 1 to ${MAXIMUM} addresses was expected, the lower one first`,
    );
  }
  return Array.from({ length: last - first + 1 }, (_, n) => dotted(first + n));
}

const number = (address: string): number =>
  address.split(".").reduce((value, part) => value * 256 + Number(part), 0);
const dotted = (value: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join(".");
