/** A LAC's client behind an LNS that masquerades, and a host that has no route back: real daemons, in namespaces made for it. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { address, createNamespace, link, type NetworkNamespace, nlabi, route, runNetlink } from "@l2tp/linux";
import { ManagementClient } from "@l2tp/management";
import { needs } from "@l2tp/testing";
import { afterAll, expect } from "vitest";
import { Folder } from "./scene.ts";
import { l2tpd, type Running } from "./under-test.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

/** The LNS; what its callers reach lies behind `far0`. */
const lnsDocument = (...keys: string[]) => `
[daemon]
data_plane = "userspace"
[listen.lns]
local = "192.0.2.1:1701"
[peer.anyone]
secret = "opensesame"
ppp_profile = "subscribers"
[user.test]
password = "test"
[pool.subscribers]
ranges = ["10.123.0.0/24"]
local = "10.123.0.1"
[profile.ppp.subscribers]
auth = ["chap-md5"]
pool = "subscribers"
ipv6 = false
${keys.join("\n")}
`;
const lacDocument = `
[daemon]
data_plane = "userspace"
[tunnel.out]
version = "l2tpv2"
peer = "192.0.2.1:1701"
secret = "opensesame"
redial_timeout = 100
[tunnel.out.session.call]
pseudowire = "ppp"
user = "test"
password = "test"
ppp_profile = "caller"
[profile.ppp.caller]
ipv6 = false
routes = ["198.51.100.0/24"]
`;

/** LAC, LNS and a host, one after another; the host knows the LNS's address and nothing behind it. */
class Line implements Disposable {
  readonly lac = createNamespace();
  readonly lns = createNamespace();
  readonly far = createNamespace();

  constructor() {
    this.#join(this.lac, "wan0", "192.0.2.2", this.lns, "wan0", "192.0.2.1");
    this.#join(this.lns, "far0", "198.51.100.1", this.far, "eth0", "198.51.100.2");
  }

  #join(
    a: NetworkNamespace,
    nameA: string,
    atA: string,
    b: NetworkNamespace,
    nameB: string,
    atB: string,
  ): void {
    const peer = { name: nameB, namespace: b.fd };
    runNetlink(nlabi.NETLINK_ROUTE, link.add({ name: nameA, kind: "veth", peer }), { namespace: a.fd });
    for (const [namespace, name, text] of [
      [a, nameA, atA],
      [b, nameB, atB],
    ] as const) {
      const at = { namespace: namespace.fd };
      runNetlink(nlabi.NETLINK_ROUTE, link.set({ name }, { up: true }), at);
      const { index } = runNetlink(nlabi.NETLINK_ROUTE, link.get({ name }), at);
      runNetlink(nlabi.NETLINK_ROUTE, address.add({ index, address: text, prefixLength: 24 }), at);
    }
  }

  /** The LNS's way into the world. */
  addDefaultRoute(): void {
    const way = route.add({ destination: "default", gateway: "198.51.100.2" });
    runNetlink(nlabi.NETLINK_ROUTE, way, { namespace: this.lns.fd });
  }

  [Symbol.dispose](): void {
    for (const namespace of [this.lac, this.lns, this.far]) namespace.close();
  }
}

const inside = ({ fd }: NetworkNamespace) => `--net=/proc/${process.pid}/fd/${fd}`;
const ruleset = (namespace: NetworkNamespace): string =>
  execFileSync("nsenter", [inside(namespace), "nft", "list", "ruleset"], { encoding: "utf8" });
/** Whether one of some pings is answered. */
const answered = (from: NetworkNamespace, to: string, count = 3): boolean =>
  spawnSync("nsenter", [inside(from), "ping", "-c", String(count), "-i", "0.2", "-W", "1", to]).status === 0;

function daemon(namespace: NetworkNamespace, file: string, ...more: string[]): Running {
  return l2tpd.start(["--config", file, "--netns", "/proc/self/fd/3", ...more], {
    stdio: ["ignore", "ignore", "pipe", namespace.fd],
  });
}

needs(
  "linux",
  "root",
  "tun",
  { tool: "nft" },
  { tool: "ping" },
  { tool: "nsenter" },
)(
  "a host with no route back answers where the LNS masquerades, and only there; a reload switches it, nothing is left",
  async () => {
    using line = new Line();
    const file = folder.write("lns.toml", lnsDocument());
    const socket = folder.of("lns.sock");
    await using lns = daemon(line.lns, file, "--socket", socket);
    await lns.line(/listening for tunnels/);
    await using lac = daemon(line.lac, folder.write("lac.toml", lacDocument), "--no-socket");
    await lac.line(/session call is up/);

    // Nothing forwards, which the log says when the call is there.
    await lns.line(/callers reach this host only over IPv4.*forward = true in \[profile\.ppp\.subscribers\]/);
    await using management = new ManagementClient({ socketPath: socket });
    const warnings = async () => (await management.session("test")).warnings;
    expect(await warnings()).toEqual([expect.stringMatching(/callers reach this host only/)]);
    expect(answered(line.lac, "10.123.0.1")).toBe(true);
    expect(answered(line.lac, "198.51.100.2", 1)).toBe(false);

    const reload = async (...keys: string[]) => {
      const from = lns.lines.length;
      writeFileSync(file, lnsDocument(...keys));
      lns.process.kill("SIGHUP");
      await lns.line(/was read again/, { from });
    };
    await reload("forward = true");
    expect(answered(line.lac, "198.51.100.2", 1)).toBe(false);
    expect(ruleset(line.lns)).toBe("");
    expect(await warnings()).toEqual([expect.stringMatching(/no default route/)]);
    line.addDefaultRoute();
    expect(await warnings()).toEqual([expect.stringMatching(/private addresses.*masquerade = true/)]);

    await reload("forward = true", "masquerade = true");
    expect(await warnings()).toBeUndefined();
    await lns.line(/masquerading 10\.123\.0\.0\/24/);
    expect(answered(line.lac, "198.51.100.2")).toBe(true);
    const rules = ruleset(line.lns)
      .split("\n")
      .map((text) => text.trim())
      .filter((text) => /^(table|flags|type|ip) /.test(text));
    const expected = [
      expect.stringMatching(/^table ip l2tpd \{/),
      "flags owner",
      "type nat hook postrouting priority srcnat; policy accept;",
      "ip daddr 10.123.0.0/24 return",
      "ip saddr 10.123.0.0/24 masquerade",
    ];
    expect(rules).toEqual(expected);

    // Behind another interface only: a new connection is not translated; the session stayed all the time.
    await reload("forward = true", 'masquerade = "wan0"');
    expect(answered(line.lac, "198.51.100.2", 1)).toBe(false);
    expect(lac.lines.filter((text) => /session call is (up|down)/.test(text))).toHaveLength(1);

    // Killed: nothing is left; its next life has one table again.
    await reload("forward = true", "masquerade = true");
    expect(await lns.stop("SIGKILL")).toBe("SIGKILL");
    expect(ruleset(line.lns)).toBe("");
    // Its caller would miss it after a while only: the call is made anew.
    await lac.stop("SIGKILL");
    await using second = daemon(line.lns, file, "--socket", socket);
    await second.line(/listening for tunnels/);
    await using next = daemon(line.lac, folder.of("lac.toml"), "--no-socket");
    await next.line(/session call is up/);
    expect(answered(line.lac, "198.51.100.2")).toBe(true);
    expect(ruleset(line.lns).match(/^table /gm)).toHaveLength(1);
    expect(await second.stop()).toBe(0);
    expect(ruleset(line.lns)).toBe("");
    expect(second.lines.filter((text) => /callers/.test(text))).toEqual([]);
    expect(await next.stop()).toBe(0);
  },
  300_000,
);
