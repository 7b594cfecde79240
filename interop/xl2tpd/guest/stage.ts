/** One scene: our daemon, its peer, and what both have said when something is not as it should be. */
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Site } from "@l2tp/lab";
import { address, link } from "@l2tp/linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { CABLE, KernelSites } from "../../kernel/guest/sites.ts";
import { Daemon, type LogLine } from "../../support/daemon.ts";
import { ping } from "../../support/traffic.ts";
import {
  CLIENT_OPTIONS,
  INNER,
  LNS_SECTIONS,
  lacSection,
  OURS,
  SECRET,
  SERVER_OPTIONS,
  USER,
  type Way,
} from "./scenes.ts";
import { removeScripts, writeSecrets, Xl2tpd } from "./xl2tpd.ts";

/** Names the bundle of l2tpd to the guest. */
export const L2TPD_BUNDLE = "L2TP_TEST_L2TPD";
/** Node and pppd start slowly in the virtual machine, scenes run side by side there, and it is slower still on a busy one. */
export const PATIENCE_MS = 200_000;
const SCENE_MS = 900_000;
/** The line that tells addresses of a session, ours and the peer's. */
const ADDRESSED = / has (10\.77\.0\.\d+) \(peer (10\.77\.0\.\d+)\)/;

/** Scenes wait for seconds: who looks more often, takes the processor from those that he waits for. */
const LOOK_MS = 50;
const pause = () => delay(1_000, false);

/** The sites of a scene, and its processes. Ours is in `a`, xl2tpd in `b`. */
export class Stage {
  readonly sites = new KernelSites();
  readonly #daemons: Daemon[] = [];
  readonly #peers: Xl2tpd[] = [];

  /** Our daemon on the data plane of a way. */
  ours(document: string, dataPlane: Way["dataPlane"] | "null"): Daemon {
    const bundle = process.env[L2TPD_BUNDLE];
    if (bundle === undefined) throw new Error(`${L2TPD_BUNDLE} is not set`);
    const daemon = new Daemon(this.sites.a, document, { program: [bundle], dataPlane });
    this.#daemons.push(daemon);
    return daemon;
  }

  /** The same, once it listens. */
  async lns(document: string, dataPlane: Way["dataPlane"]): Promise<Daemon> {
    const daemon = this.ours(document, dataPlane);
    await this.says(daemon, /listening for tunnels/);
    return daemon;
  }

  /** xl2tpd that is called; its pppds have these options too. */
  xl2tpdLns(options: string): Xl2tpd {
    return this.#peer({ sections: LNS_SECTIONS, options: SERVER_OPTIONS + options });
  }

  /** xl2tpd that calls us; its pppds have these options too. */
  xl2tpdLac(
    options: string,
    { secret = SECRET, calls = [OURS] }: { secret?: string; calls?: readonly string[] } = {},
  ): Xl2tpd {
    return this.#peer({
      sections: calls.map(lacSection).join("\n"),
      options: CLIENT_OPTIONS + options,
      secret,
    });
  }

  #peer({
    sections,
    options,
    secret = SECRET,
  }: {
    sections: string;
    options: string;
    secret?: string;
  }): Xl2tpd {
    const peer = new Xl2tpd(this.sites.b, { sections, options, secrets: `* * ${secret}\n` });
    this.#peers.push(peer);
    return peer;
  }

  async says(daemon: Daemon, what: RegExp, since = 0): Promise<LogLine> {
    await this.until(() => daemon.said(what, since).length > 0, `l2tpd says ${what}`);
    return daemon.said(what, since)[0] as LogLine;
  }

  /** So many sessions of a daemon of ours are up at the same time, each with an address of its own. */
  async addresses(daemon: Daemon, count: number): Promise<void> {
    let now = new Map<string, string>();
    const all = () => {
      now = addressesOf(daemon);
      return now.size === count && new Set(now.values()).size === count;
    };
    await this.until(all, `${count} sessions with ${count} addresses`, 2 * PATIENCE_MS).catch(
      (error: Error) => {
        throw new Error(`${error.message}: there are ${now.size} with ${new Set(now.values()).size}`, {
          cause: error,
        });
      },
    );
  }

  async until(condition: () => boolean, what: string, patienceMs = PATIENCE_MS): Promise<void> {
    for (const end = performance.now() + patienceMs; !condition(); await delay(LOOK_MS)) {
      if (performance.now() > end) throw new Error(`after ${patienceMs} ms still not so: ${what}`);
    }
  }

  /** Packets of several sizes, of which the largest may not be fragmented, reach an address inside the session. */
  async reaches(from: Site, to: string, largest = 1400): Promise<void> {
    for (const octets of to.includes(":") ? [84, largest] : [28, 84, 1000, largest]) {
      await this.answers(from, to, { octets });
    }
  }

  /**
   * A ping is answered. One end is up before the other; by how long, is a matter of who has the processor, and where the
   * last of the negotiation is lost, of three seconds more.
   */
  async answers(from: Site, to: string, how: { octets?: number; by?: string }): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    // There may be no route yet, of which ping says so at once.
    while (!(await ping(from, to, how).catch(pause))) {
      if (performance.now() > end) throw new Error(`no answer to pings to ${to}: ${JSON.stringify(how)}`);
    }
  }

  /** From here on, interfaces that are made in either site have IPv6. */
  useIpv6(): void {
    for (const site of [this.sites.a, this.sites.b]) {
      site.namespace.run(() => writeFileSync("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0"));
    }
  }

  /** More addresses of a site on the cable. */
  addAddresses(site: Site, addresses: readonly string[]): void {
    const { index } = site.netlink(link.get({ name: CABLE }));
    for (const one of addresses) site.netlink(address.add({ index, address: one, prefixLength: 24 }));
  }

  /** The IPv6 address of this scope that a site's PPP interface has, once it is there. */
  async ipv6Of(site: Site, scope: "link" | "global"): Promise<string> {
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await pause()) {
      const { output } = await site.execute("ip", "-6", "-o", "address", "show", "scope", scope);
      const line = output
        .split("\n")
        .find((one) => !one.includes(` ${CABLE} `) && !one.includes(" tentative "));
      const found = /inet6 ([0-9a-f:]+)/.exec(line ?? "")?.[1];
      if (found !== undefined) return found;
    }
    throw new Error(`site ${site.name} has no IPv6 address of scope ${scope} in its session`);
  }

  /** Ends ours, then the peer: neither leaves anything behind. */
  async end(): Promise<void> {
    for (const daemon of this.#daemons) {
      if (!daemon.exited) expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    }
    expect(this.sites.a.interfaces()).toEqual(["lo", CABLE]);
    for (const peer of this.#peers) await peer.stop();
    await this.until(() => this.sites.b.interfaces().length === 2, "xl2tpd's pppds are gone");
    expect((await this.sites.a.execute("ip", "l2tp", "show", "tunnel")).output).toBe("");
  }

  /** Ends what is still there, whatever happened. */
  async clear(): Promise<void> {
    for (const one of [...this.#daemons, ...this.#peers]) await one[Symbol.asyncDispose]();
    this.sites[Symbol.dispose]();
  }

  /** For who looks for the reason: what all have said, and the counters of the interfaces. */
  async logs(): Promise<string> {
    const ours = this.#daemons.map(({ lines }) =>
      ["l2tpd:", ...lines.map(({ time, level, message }) => `  ${time} ${level} ${message}`)].join("\n"),
    );
    const peers = this.#peers.map(({ said }) => `xl2tpd:\n${said}`);
    const links = [this.sites.a, this.sites.b].map(async (site) => {
      const { output } = await site.execute("ip", "-s", "address");
      return `interfaces of site ${site.name}:\n${output}`;
    });
    return [...ours, ...peers, ...(await Promise.all(links))].join("\n");
  }
}

/** @returns by session, the address that it has given or got, of those that are up with one now */
function addressesOf({ lines }: Daemon): Map<string, string> {
  const now = new Map<string, string>();
  for (const { message, tunnel, session } of lines) {
    // Sessions are named by their IDs, of which each tunnel has its own: among fifty two are alike in one run of fifty.
    const name = `${tunnel}/${session}`;
    const [, own, peers] = ADDRESSED.exec(message) ?? [];
    if (own !== undefined) now.set(name, (own === INNER.lns ? peers : own) as string);
    else if (/ is down: | cannot come up: | has no addresses/.test(message)) now.delete(name);
  }
  return now;
}

/** Declares a test that plays on a stage of its own. */
export type SceneTest = (title: string, play: (stage: Stage) => Promise<void>) => void;

/** @returns what declares the scenes of a suite; they share nothing */
export function scenes({ test, beforeAll }: SuiteApi): SceneTest {
  beforeAll(() => {
    writeSecrets({ [USER.name]: USER.password });
    removeScripts();
  });
  return (title, play) =>
    test(
      title,
      async () => {
        const stage = new Stage();
        try {
          await play(stage);
          await stage.end();
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          throw new Error(`${why}\n${await stage.logs()}`, { cause: error });
        } finally {
          await stage.clear();
        }
      },
      SCENE_MS,
    );
}
