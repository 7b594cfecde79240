/**
 * `l2tpd demo`: an LNS with two users and a LAC that dials it, each a real l2tpd in a network namespace of its own with a
 * cable between them: a tunnel whose ends prove themselves, PPP with MS-CHAPv2 and CHAP, addresses from pools, then ping and
 * TCP through PPP in both directions.
 */
import { EXIT, type ExitCode } from "../../exit-codes.ts";
import type { DaemonChild } from "../children.ts";
import type { Display } from "../display.ts";
import { formatTransfer } from "../figures.ts";
import type { Scene } from "../scene.ts";
import { type DemoOptions, delay, FIRST_PINGS, runShow, Show, UP_LIMIT_MS, upCount } from "../show.ts";
import { type Documents, OUTER, USERS, writeDocuments } from "./documents.ts";
import {
  formatPings,
  noteRates,
  type Pings,
  type PppPicture,
  renderPppPicture,
  renderSessions,
  sessionsOf,
  type Transfer,
} from "./picture.ts";

/** Runs the demonstration. @returns 0 only when packets flowed. */
export async function runPppDemo(options: DemoOptions): Promise<ExitCode> {
  const outer = (address: string) => ({ outer: { family: 4, address } }) as const;
  return await runShow(
    [outer(OUTER.lac), outer(OUTER.lns)],
    (scene, display) => new PppShow(options, display, writeDocuments(), scene),
  );
}

type Side = "lac" | "lns";

class PppShow extends Show<Side> {
  readonly #documents: Documents;
  readonly #pings: readonly [Pings, Pings];
  readonly #transfers: readonly [Transfer, Transfer];
  protected readonly picture: PppPicture;
  protected readonly awaited = "the sessions";
  protected readonly worthTelling = / is up| has /;

  constructor(options: DemoOptions, display: Display, documents: Documents, scene: Scene) {
    const site = (side: Side, at: 0 | 1) => {
      const title = side.toUpperCase();
      return {
        title,
        daemon: `the ${title}`,
        document: documents[side],
        namespace: scene.namespaces[at].fd,
      };
    };
    super(
      options,
      display,
      new Map<Side, ReturnType<typeof site>>([
        ["lns", site("lns", 1)],
        ["lac", site("lac", 0)],
      ]),
    );
    this.#documents = documents;
    const pings = (what: string): Pings => ({ what, sent: 0, received: 0, lastMs: undefined, sumMs: 0 });
    const transfer = (what: string): Transfer => ({ what, octets: 0, ms: 0, done: false });
    this.#pings = [pings("LAC → LNS (bob)"), pings("LNS → LAC (alice)")];
    this.#transfers = [transfer("LAC → LNS (bob)"), transfer("LNS → LAC (alice)")];
    this.picture = {
      doing: "",
      pids: { lac: undefined, lns: undefined },
      states: { lac: undefined, lns: undefined },
      rates: new Map(),
      pings: this.#pings,
      transfers: this.#transfers,
      troubles: [],
    };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#documents[Symbol.dispose]();
  }

  protected render(): string[] {
    return renderPppPicture(this.picture);
  }

  protected override looked(): void {
    noteRates(this.picture, performance.now());
  }

  protected explain(): string[] {
    return [
      "An LNS with two users and a LAC that dials it, between two network namespaces on this machine.",
      `Each is joined to the other only by a cable: ${OUTER.lac} at the LAC, ${OUTER.lns} at the LNS. Each runs l2tpd:`,
      `  LAC  ${this.#documents.lac}`,
      `  LNS  ${this.#documents.lns}`,
      "The tunnel's ends prove that they know its secret; alice proves who she is by MS-CHAPv2, bob by CHAP.",
    ];
  }

  protected waiting(): string {
    const { pids } = this.picture;
    return `waiting for PPP: l2tpd runs as process ${pids.lac} (LAC) and ${pids.lns} (LNS)`;
  }

  protected isUp(daemon: DaemonChild): boolean {
    return upCount(daemon) >= USERS.length;
  }

  /** Both kinds of packets in both directions. */
  verdict(): ExitCode {
    const all = [
      ...this.#pings.map(({ received }) => received),
      ...this.#transfers.map(({ octets }) => octets),
    ];
    return all.every((count) => count > 0) ? EXIT.ok : EXIT.cutShort;
  }

  protected conclusion(flowed: boolean): string {
    return flowed
      ? "packets flowed through PPP in both directions: it works"
      : "not all packets came through, see above";
  }

  protected async play(): Promise<boolean> {
    const addresses = await this.#addresses();
    if (addresses === undefined) return false;
    const [alice, bob] = addresses;
    // What the LNS sends has its first address as source, that of alice's pool: an answer by bob's session would have a
    // source that the LNS has given to nobody there, and be dropped.
    await Promise.all([this.#showPing(0, "lac", bob.lns), this.#showPing(1, "lns", alice.lac)]);
    await this.#showThroughput(0, "lac", "lns", bob.lns);
    await this.#showThroughput(1, "lns", "lac", alice.lac);
    await this.lookAgain();
    for (const line of renderSessions(this.picture)) this.sayUnlessDrawn(line);
    return true;
  }

  /** The addresses of both sessions, at both ends. */
  async #addresses(): Promise<readonly [Ends, Ends] | undefined> {
    const until = performance.now() + UP_LIMIT_MS;
    while (performance.now() < until) {
      const all = sessionsOf(this.picture.states.lac);
      const [alice, bob] = USERS.map((user) => all.find(({ name }) => name === user)?.ipv4);
      if (alice?.local && alice.peer && bob?.local && bob.peer) {
        return [
          { lac: alice.local, lns: alice.peer },
          { lac: bob.local, lns: bob.peer },
        ];
      }
      await delay(50);
    }
    this.sayLogs("the sessions have no addresses");
    return undefined;
  }

  /** Real ICMP over the real interfaces; it goes on to the end of the show. */
  async #showPing(at: 0 | 1, from: Side, to: string): Promise<void> {
    const pings = this.#pings[at];
    this.doing(`ping from the ${from.toUpperCase()} to ${to}, through PPP`);
    this.probe(from, ["ping", to], (report) => {
      if (report.type !== "ping") return;
      pings.sent += 1;
      pings.lastMs = report.rttMs;
      if (report.rttMs === undefined) return;
      pings.received += 1;
      pings.sumMs += report.rttMs;
    });
    const until = performance.now() + FIRST_PINGS * 2_000;
    while (pings.sent < FIRST_PINGS && performance.now() < until) await delay(50);
    this.sayUnlessDrawn(`  ping ${pings.what}: ${formatPings(pings)}`);
  }

  async #showThroughput(at: 0 | 1, from: Side, to: Side, address: string): Promise<void> {
    const transfer = this.#transfers[at];
    const { seconds } = this.options;
    this.doing(`TCP from the ${from.toUpperCase()} to the ${to.toUpperCase()} through PPP, for ${seconds} s`);
    await this.measure(transfer, from, to, address);
    this.sayUnlessDrawn(`  TCP ${transfer.what}: ${formatTransfer(transfer)}`);
  }
}

/** Addresses of one session. */
interface Ends {
  readonly lac: string;
  readonly lns: string;
}
