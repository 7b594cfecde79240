/** What goes through a session: pings of any size, and TCP. */
import type { Site } from "./site.ts";

/** IP header and ICMP header, which `ping -s` does not count. */
const HEADERS = { ipv4: 28, ipv6: 48 } as const;

/** Whether a ping comes back, of `octets` as an IP packet that must not be fragmented. */
export async function ping(
  site: Site,
  to: string,
  { octets = 84, by }: { octets?: number; by?: string } = {},
): Promise<boolean> {
  const header = HEADERS[to.includes(":") ? "ipv6" : "ipv4"];
  // One at a time: of several, ping waits for the last one only as long as the others took, and this machine may be busy.
  const args = ["-c", "1", "-W", "4", "-M", "do", "-s", `${octets - header}`];
  const { code, output } = await site.execute("ping", ...args, ...(by === undefined ? [] : ["-I", by]), to);
  if (!output.includes("bytes of data") && !output.includes("data bytes")) throw new Error(output);
  return code === 0;
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
