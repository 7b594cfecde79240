/** What a data plane under test is put into: two ends that reach each other, and a third party. */
import type { Encapsulation, IpAddress, L2tpVersion, Pseudowire, SocketAddress } from "@l2tp/protocol";
import type { DataPlane } from "../plane.ts";
import type { SessionPlane } from "../session.ts";

/** Where frames go in and come out: the interface of a session. */
export interface FramePort extends AsyncDisposable {
  /** A frame for the tunnel: Ethernet from the destination address on, PPP from the protocol field on. */
  send(frame: Uint8Array): void | Promise<void>;
  /** All frames that came out of the tunnel, in order; not those that {@link send} put in. */
  readonly received: readonly Uint8Array[];
}

/** One end: a data plane and its surroundings. */
export interface ConformanceEnd {
  readonly plane: DataPlane;
  /** Addresses of this end, by family; two of a family let the wildcard tests run. */
  readonly addresses: { readonly 4?: readonly IpAddress[]; readonly 6?: readonly IpAddress[] };
  /** For {@link Binding.namespace}. */
  readonly namespace?: string;
  /** Opens the interface of a session for frames. The kit closes it. */
  port(session: SessionPlane): FramePort | Promise<FramePort>;
  /** Opens the interface of a session with a `PppLink` for IP packets; not asked for when they end in the program. */
  packets?(session: SessionPlane): FramePort | Promise<FramePort>;
  /** Deletes the interface of a session behind the data plane's back; absent where that cannot be done. */
  vanish?(session: SessionPlane): void | Promise<void>;
}

/** A socket of somebody who is neither data plane, and sends what it likes. */
export interface RawSocket extends AsyncDisposable {
  readonly local: SocketAddress;
  /** Over IP the payload of protocol 115, with the four zero octets of a control message. */
  send(to: SocketAddress, datagram: Uint8Array): void | Promise<void>;
  /** All that came, in order. */
  readonly received: readonly Uint8Array[];
}

/** Two data planes that reach each other. */
export interface ConformanceFixture extends AsyncDisposable {
  readonly a: ConformanceEnd;
  readonly b: ConformanceEnd;
  /** Lets time pass, real or simulated; everything in flight moves on. */
  wait(ms: number): void | Promise<void>;
  /**
   * Opens a raw socket that both ends can reach, at an address that is neither wire's. Absent: the tests that
   * need exact octets are skipped with the reason.
   */
  raw?(encapsulation: Encapsulation, family: 4 | 6): Promise<RawSocket>;
}

/** The little of a test runner that the kit needs; vitest's functions fit, and those of `node:test` nearly. */
export interface TestApi {
  describe(name: string, body: () => void): unknown;
  test(
    name: string,
    body: (context: { skip(reason: string): unknown }) => Promise<void>,
    timeoutMs?: number,
  ): unknown;
  beforeAll(body: () => Promise<void>, timeoutMs?: number): unknown;
  afterAll(body: () => Promise<void>, timeoutMs?: number): unknown;
}

/** What carries the tests: each way is gone through. */
export interface Transport {
  readonly encapsulation: Encapsulation;
  readonly family: 4 | 6;
}

/** Tests that a data plane cannot pass, and why not. */
export interface ConformanceSkip {
  readonly reason: string;
  /** Names of tests, as the kit has them; a name that it does not have is an error. */
  readonly tests: readonly string[];
  /** Only over these ways; absent: over all. */
  readonly over?: Partial<Transport>;
}

/** How the kit is to run. */
export interface ConformanceOptions {
  /** Of the data plane, for the headline. */
  readonly name: string;
  /** Called once or twice; slow set-up is shared by the tests. */
  make(): Promise<ConformanceFixture>;
  /** The ways to go; must be all that the data plane's capabilities say. The first one has most of the tests. */
  readonly over: readonly Transport[];
  /** Versions that it speaks; default both. */
  readonly versions?: readonly L2tpVersion[];
  /** Pseudowires for which `port` works; default `eth`. */
  readonly ports?: readonly Pseudowire[];
  /**
   * PPP sessions are run through a `PppLink`, and their packets go there: to an interface, which
   * {@link ConformanceEnd.packets} opens, or to the program. Absent: the tests of links are skipped.
   */
  readonly pppLink?: "interface" | "program";
  /** All PPP sessions have a link, also in tests of other things: nothing else runs them here. */
  readonly linkedOnly?: boolean;
  /** What the links cannot, with the reason. */
  readonly withoutMppe?: string;
  readonly withoutCheckSource?: string;
  readonly skip?: readonly ConformanceSkip[];
  /** Tests that do not apply, as what they look at is not there by design; they are not declared at all. */
  readonly omit?: readonly string[];
  /** Sessions in the test of the statistics table; default 40. */
  readonly manySessions?: number;
  /** How long something may take that takes time on a real machine; default 3,000. */
  readonly patienceMs?: number;
  /** Of one test; default 60,000. */
  readonly timeoutMs?: number;
}
