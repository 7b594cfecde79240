// Reads a configuration with a key of our own, lists what is in it, and what a reload would do.
import { ConfigError, parseConfig, plan } from "@l2tp/config";
import * as z from "zod";

const extensions = { tunnel: { customer: z.string().optional() } };
const document = (peer: string, mtu: number) => `
[tunnel.site-b]
local = "192.0.2.1:1701"
peer = "${peer}"
mode = "quiescent"
tid = 1
ptid = 2
customer = "Example Ltd"            # ours, by the schema above

[tunnel.site-b.session.lan]
sid = 11
psid = 22
mtu = ${mtu}
`;

const running = parseConfig(document("192.0.2.2:1701", 1400), { file: "site.toml", extensions });
for (const tunnel of running.tunnels) {
  const { name, mode, peer, transport } = tunnel;
  console.log(`${name}: ${mode}, to ${peer?.address} port ${peer?.port}, for ${tunnel.extensions.customer}`);
  console.log(`hello after ${transport.helloTimeoutMs} ms (${tunnel.origins["hello_timeout"]})`);
}

for (const step of plan(running, parseConfig(document("192.0.2.2:1701", 1380), { extensions }))) {
  console.log(`reload: ${step.do}, ${"why" in step ? step.why : step.keys}`);
}

try {
  parseConfig(document("192.0.2.256", 1).replace("psid", "psidd"), { file: "site.toml", extensions });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.log(error.message);
}
