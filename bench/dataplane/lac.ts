/**
 * A LAC with many PPP sessions on one interface, for the benchmark, whatever the LNS:
 * `lac.ts LNS SECRET SESSIONS FILE`; no secret when it is empty. Writes the addresses of both ends of each session into FILE, a line each, and prints
 * "ready" when all are up.
 *
 * All sessions of an LNS have the same address at its end, so a host with all of them could not tell by a packet's
 * destination which one it belongs to. Here each one gets a destination of its own behind the LNS: its own address, 16
 * networks of /16 further up.
 */
import { writeFileSync } from "node:fs";
import type { PppLink, SessionPlane, TunnelPlane, Wire } from "@l2tp/dataplane";
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import { Context, pppProfile } from "@l2tp/node";

/** The networks behind the LNS. */
const BEHIND = "10.80.0.0/15";
const behind = (address: string) =>
  address.replace(/^10\.(\d+)/, (_, second: string) => `10.${Number(second) + 16}`);

const [lns = "", secret = "", sessions = "1", file = ""] = process.argv.slice(2);

/** Replaces a method of an object whose class keeps its state private, so that it cannot be wrapped. */
function instead<T extends object, K extends keyof T>(object: T, name: K, by: (original: T[K]) => T[K]): T {
  const original = object[name] as T[K] & ((...args: never[]) => unknown);
  object[name] = by(original.bind(object) as T[K]);
  return object;
}
const ofLink = (link: PppLink): void => {
  instead(link, "configure", (configure) => ({ ipv4, ...others }) => {
    const { local } = ipv4 ?? {};
    return configure(local === undefined ? others : { ...others, ipv4: { local, peer: behind(local) } });
  });
};
const ofSession = (session: SessionPlane): SessionPlane => {
  if (session.link !== undefined) ofLink(session.link);
  return session;
};
const ofTunnel = (tunnel: TunnelPlane): TunnelPlane =>
  instead(tunnel, "createSession", (create) => async (parameters) => ofSession(await create(parameters)));
const ofWire = (wire: Wire): Wire =>
  instead(wire, "createTunnel", (create) => async (parameters) => ofTunnel(await create(parameters)));

const dataPlane = new UserspaceDataPlane();
instead(dataPlane, "open", (open) => async (binding, onControl) => ofWire(await open(binding, onControl)));

const context = new Context({
  dataPlane,
  logger: { error: console.error, warn: console.error, info: () => {}, debug: () => {} },
});
const stop = async () => {
  await context.close();
  await dataPlane[Symbol.asyncDispose]();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
const profile = pppProfile({
  attach: { to: "shared", name: "lac0", routes: [BEHIND] },
  options: {
    authenticateSelf: { name: "test", password: "test", methods: ["pap"] },
    ipv6: false,
    echoIntervalMs: 0,
  },
});
const tunnel = context.newDynamicTunnel({
  name: "bench",
  peers: [{ host: lns }],
  ...(secret !== "" && { secrets: [secret] }),
  dial: { initialMs: 500, maxMs: 500 },
});
await tunnel.whenUp();
const pairs = await Promise.all(
  Array.from({ length: Number(sessions) }, async () => {
    const session = tunnel.newSession({ ppp: { by: "own", profile } });
    await session.whenUp();
    const local = session.ppp?.ipv4?.local ?? "";
    return `${behind(local)} ${local}\n`;
  }),
);
writeFileSync(file, pairs.join(""));
console.log("ready");
