/** Opens a wire as root, becomes nobody, and says as JSON what is refused and how. */
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import { sessionParameters } from "../support/pair.ts";

const refusal = async (work: () => Promise<unknown>) => {
  try {
    await work();
    return undefined;
  } catch (error) {
    const { name, code, message } = error as { name: string; code: string; message: string };
    return { name, code, message };
  }
};
await using before = new UserspaceDataPlane();
const local = { family: 4, address: "127.0.0.1", port: 0 } as const;
const wire = await before.open({ encapsulation: "udp", local }, () => {});
const tunnel = await wire.createTunnel({
  version: 3,
  tunnelId: 1,
  peerTunnelId: 1,
  peer: { ...local, port: 1701 },
});
process.setgid?.(65_534);
process.setuid?.(65_534);
await using plane = new UserspaceDataPlane();
console.log(
  JSON.stringify({
    encapsulations: plane.capabilities.encapsulations,
    feature: plane.status().features.find(({ feature }) => feature === "ip-encapsulation"),
    ip: await refusal(() => plane.open({ encapsulation: "ip", local: { ...local, port: 0 } }, () => {})),
    session: await refusal(() => tunnel.createSession(sessionParameters({ name: "refused" }))),
  }),
);
