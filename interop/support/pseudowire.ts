/** Two sites, the documents of their daemons, and the traffic between them. */
import { Site } from "@l2tp/lab";
import { NumberPort } from "./number-port.ts";

/** The cable's addresses (RFC 5737), and those of the network that spans both sites. */
const OUTER = { a: "192.0.2.1", b: "192.0.2.2" } as const;
const INNER = { a: "10.99.0.1", b: "10.99.0.2" } as const;
const PORT = 4_711;
/** Time between two numbers of {@link Traffic}. */
const PACE_MS = 10;

/** What a document says beyond addresses and IDs. */
export interface Wish {
  /** Keys of the tunnel, as TOML. */
  readonly tunnel?: string;
  /** Keys of the session, as TOML. */
  readonly session?: string;
  /** Default `udp`. */
  readonly encapsulation?: "udp" | "ip";
  /** Outer addresses, ours and the peer's, when they are not those of the one cable. */
  readonly outer?: { readonly local: string; readonly peer: string };
}

/** The document of one side. The log is as it is; retries are quick, so that tests are. */
export function document(
  side: "a" | "b",
  { tunnel = "", session = "", outer, encapsulation = "udp" }: Wish,
): string {
  const other = side === "a" ? "b" : "a";
  const number = { a: 1, b: 2 } as const;
  const cookie = { a: "6f1d2c3b4a596877", b: "8899aabbccddeeff" } as const;
  const port = encapsulation === "udp" ? ":1701" : "";
  return `
[daemon]
retry_initial = 200
retry_max = 1000

[tunnel.t1]
encap = "${encapsulation}"
local = "${outer?.local ?? OUTER[side]}${port}"
peer = "${outer?.peer ?? OUTER[other]}${port}"
tid = ${number[side]}
ptid = ${number[other]}
${tunnel}

[tunnel.t1.session.s1]
pseudowire = "eth"
sid = ${10 + number[side]}
psid = ${10 + number[other]}
cookie = "${cookie[side]}"
peer_cookie = "${cookie[other]}"
interface_name = "l2tpeth0"
addresses = ["${INNER[side]}/24"]
${session}
`;
}

/** Two sites with one cable. */
export class TwoSites implements Disposable {
  readonly a = new Site("A");
  readonly b = new Site("B");

  constructor() {
    this.a.cable("wan0", OUTER.a, this.b, OUTER.b);
  }

  [Symbol.dispose](): void {
    this.a[Symbol.dispose]();
    this.b[Symbol.dispose]();
  }
}

/** Numbers that cross the pseudowire both ways all the time, whether it is there or not. */
export class Traffic implements Disposable {
  readonly #ports: { readonly a: NumberPort; readonly b: NumberPort };
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  constructor(a: Site, b: Site, { paceMs = PACE_MS } = {}) {
    this.#ports = { a: new NumberPort(a, PORT), b: new NumberPort(b, PORT) };
    this.#timer = setInterval(() => {
      this.#next += 1;
      this.#ports.a.send(this.#next, INNER.b, PORT);
      this.#ports.b.send(this.#next, INNER.a, PORT);
    }, paceMs);
  }

  /** The number that goes out next. */
  get now(): number {
    return this.#next;
  }

  /** How many numbers from `since` to before `end` have arrived at both ends: the smaller of the two counts. */
  arrived(since = 0, end = Number.POSITIVE_INFINITY): number {
    const count = ({ received }: NumberPort) => received.filter((n) => n >= since && n < end).length;
    return Math.min(count(this.#ports.a), count(this.#ports.b));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#ports.a[Symbol.dispose]();
    this.#ports.b[Symbol.dispose]();
  }
}
