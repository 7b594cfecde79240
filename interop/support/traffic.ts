/** What goes through a session: pings of any size, and TCP. */
import type { Site } from "@l2tp/lab";

/** IP header and ICMP header, which `ping -s` does not count. */
const HEADERS = { ipv4: 28, ipv6: 48 } as const;

/**
 * Whether a ping comes back, of `octets` as an IP packet that must not be fragmented. It may have to be sent again: the end
 * that says first that PPP is up is some milliseconds ahead of the other, which drops packets until then.
 */
export async function ping(
  site: Site,
  to: string,
  { octets = 84, by }: { octets?: number; by?: string } = {},
): Promise<boolean> {
  const header = HEADERS[to.includes(":") ? "ipv6" : "ipv4"];
  const args = ["-M", "do", "-s", `${octets - header}`, ...(by === undefined ? [] : ["-I", by]), to];
  for (const times of [
    ["-c", "1", "-W", "1"],
    ["-c", "2", "-i", "0.2", "-W", "3"],
  ]) {
    const { code, output } = await site.execute("ping", ...times, ...args);
    if (!/data bytes|bytes of data/.test(output)) throw new Error(output);
    if (code === 0) return true;
  }
  return false;
}

/** Octets a second at which TCP carries 2 MB from one site to an address of the other. */
export async function tcp(from: Site, to: Site, address: string, ...more: string[]): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const server = to.start("iperf3", ["-s", "-1", "-p", "5201"], { stdio: "ignore" });
    try {
      const { output } = await from.execute("iperf3", "-c", address, "-n", "2M", "-J", ...more);
      const { end, error } = JSON.parse(output);
      if (error === undefined) return end.sum_received.bits_per_second / 8;
      if (attempt === 10) throw new Error(`iperf3: ${error}`);
    } finally {
      server.kill("SIGKILL");
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
