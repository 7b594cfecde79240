// Who is up on the daemon of this machine, and what it did not let in.
import { ConnectionError, ManagementClient } from "@l2tp/management";

export async function whoIsUp(socketPath?: string): Promise<string[]> {
  await using client = new ManagementClient(socketPath === undefined ? {} : { socketPath });
  const lines: string[] = [];
  try {
    const { version, sessions, discards } = await client.status();
    lines.push(`l2tpd ${version}: ${sessions.up} of ${sessions.total} sessions are up`);
    for await (const { tunnel, name, user, ipv4 } of client.sessions({ state: "up" })) {
      lines.push(`${tunnel}/${name}: ${user ?? "nobody"} has ${ipv4?.peer ?? "no address"}`);
    }
    lines.push(`malformed datagrams: ${discards["malformed"] ?? 0}`);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    lines.push(`${error.message}; ${error.remedy}`); // no daemon, not allowed, another version …
  }
  return lines;
}
