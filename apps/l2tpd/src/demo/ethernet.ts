/**
 * The scene `ethernet` of `l2tpd demo`: two sites on one machine. Two network namespaces with a cable between them, a real
 * l2tpd in each, an Ethernet pseudowire from the examples; then ping and TCP through it, and the counters of both ends.
 */
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { DaemonChild } from "./children.ts";
import { type Display, formatPing, type Picture, renderCounters, renderPicture } from "./display.ts";
import { type End, readEnds } from "./ends.ts";
import { formatTransfer } from "./figures.ts";
import type { Scene } from "./scene.ts";
import { type DemoOptions, delay, FIRST_PINGS, runShow, Show, upCount } from "./show.ts";

/** Two sites with a bridge between them. @returns 0 only when packets flowed. */
export async function runEthernetDemo(options: DemoOptions): Promise<ExitCode> {
  const ends = readEnds();
  return await runShow(ends, (scene, display) => new EthernetShow(options, display, ends, scene));
}

class EthernetShow extends Show<0 | 1> {
  readonly #ends: readonly [End, End];
  protected readonly picture: Picture;
  protected readonly awaited = "the tunnel";
  protected readonly worthTelling = / is up/;

  constructor(options: DemoOptions, display: Display, ends: readonly [End, End], scene: Scene) {
    const site = (at: 0 | 1) => {
      const { title, file } = ends[at];
      return { title, daemon: `l2tpd at ${title}`, document: file, namespace: scene.namespaces[at].fd };
    };
    super(
      options,
      display,
      new Map([
        [0, site(0)],
        [1, site(1)],
      ]),
    );
    this.#ends = ends;
    this.picture = {
      ends,
      doing: "",
      pids: [undefined, undefined],
      states: [undefined, undefined],
      ping: { sent: 0, received: 0, lastMs: undefined, sumMs: 0 },
      transfer: { octets: 0, ms: 0, done: false },
      troubles: [],
    };
  }

  protected render(): string[] {
    return renderPicture(this.picture);
  }

  protected explain(): string[] {
    const [a, b] = this.#ends;
    return [
      "An Ethernet pseudowire over L2TPv3, between two network namespaces on this machine.",
      `Each is a site of its own, joined to the other only by a cable: ${a.outer.address} at site A, ${b.outer.address} at site B.`,
      "Each runs l2tpd with one of the examples:",
      `  site A  ${a.file}`,
      `  site B  ${b.file}`,
    ];
  }

  protected waiting(): string {
    const { pids } = this.picture;
    return `waiting for the tunnel: l2tpd runs as process ${pids[0]} at site A and ${pids[1]} at site B`;
  }

  protected isUp(daemon: DaemonChild): boolean {
    return upCount(daemon) > 0;
  }

  verdict(): ExitCode {
    const { ping, transfer } = this.picture;
    return ping.received > 0 && transfer.octets > 0 ? EXIT.ok : EXIT.cutShort;
  }

  protected conclusion(flowed: boolean): string {
    return flowed
      ? "packets flowed through the tunnel: it works"
      : "no packets came through the tunnel, see above";
  }

  protected async play(): Promise<boolean> {
    const { inner } = this.#ends[1];
    await this.#showPing(inner.address);
    const { transfer } = this.picture;
    this.doing(`TCP from site A to site B through the tunnel, for ${this.options.seconds} s`);
    await this.measure(transfer, 0, 1, inner.address);
    this.sayUnlessDrawn(`  TCP: ${formatTransfer(transfer)}`);
    await this.lookAgain();
    for (const line of renderCounters(this.picture)) this.sayUnlessDrawn(line);
    return true;
  }

  /** Real ICMP over the real TAP interfaces, from site A to site B; it goes on to the end of the show. */
  async #showPing(address: string): Promise<void> {
    const { ping } = this.picture;
    this.doing(`ping from site A to ${address} at site B, through the tunnel`);
    this.probe(0, ["ping", address], (report) => {
      if (report.type !== "ping") return;
      ping.sent += 1;
      ping.lastMs = report.rttMs;
      if (report.rttMs !== undefined) {
        ping.received += 1;
        ping.sumMs += report.rttMs;
      }
      if (ping.sent > FIRST_PINGS) return;
      const what = report.rttMs === undefined ? "no reply" : `${report.rttMs.toFixed(2)} ms`;
      this.sayUnlessDrawn(`  ping ${report.sequence}: ${what}`);
    });
    const until = performance.now() + FIRST_PINGS * 2_000;
    while (ping.sent < FIRST_PINGS && performance.now() < until) await delay(50);
    this.sayUnlessDrawn(`  ${formatPing(ping)}`);
  }
}
