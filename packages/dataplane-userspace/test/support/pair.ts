/** A tunnel with one session between the two hosts of a lab, each end with a data plane of its own. */
import type { PlaneNotice, SessionPlane, SessionPlaneParameters, TunnelPlane, Wire } from "@l2tp/dataplane";
import { UserspaceDataPlane, type UserspaceOptions } from "@l2tp/dataplane-userspace";
import type { Host, Lab } from "@l2tp/lab";
import type { Encapsulation } from "@l2tp/protocol";

/** One end of the pair. */
export interface PairEnd {
  readonly host: Host;
  readonly plane: UserspaceDataPlane;
  readonly wire: Wire;
  readonly tunnel: TunnelPlane;
  readonly session: SessionPlane;
  readonly notices: PlaneNotice[];
  readonly control: Uint8Array[];
}

/** What a test may wish for. */
export interface PairOptions {
  readonly encapsulation?: Encapsulation;
  readonly family?: 4 | 6;
  readonly a?: UserspaceOptions;
  readonly b?: UserspaceOptions;
  /** Of both sessions. */
  readonly session?: Partial<SessionPlaneParameters>;
  /** Inner addresses `10.98.0.1/24` and `.2`. Default true. */
  readonly inner?: boolean;
  readonly port?: number;
}

/** Session parameters with nothing special. */
export function sessionParameters(wish: Partial<SessionPlaneParameters> = {}): SessionPlaneParameters {
  return {
    name: "test",
    pseudowire: "eth",
    sessionId: 1,
    peerSessionId: 1,
    cookie: new Uint8Array(),
    peerCookie: new Uint8Array(),
    l2SpecificSublayer: "none",
    sendSequence: false,
    receiveSequence: false,
    reorderMs: 0,
    ...wish,
  };
}

/** Inner addresses of the two ends. */
export const INNER = { a: "10.98.0.1", b: "10.98.0.2" };

export class Pair implements AsyncDisposable {
  readonly a: PairEnd;
  readonly b: PairEnd;

  private constructor(a: PairEnd, b: PairEnd) {
    this.a = a;
    this.b = b;
  }

  static async open(lab: Lab, options: PairOptions = {}): Promise<Pair> {
    const [a, b] = await Promise.all([
      end(lab.a, lab.b, options, options.a ?? {}, INNER.a),
      end(lab.b, lab.a, options, options.b ?? {}, INNER.b),
    ]);
    return new Pair(a, b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.a.plane[Symbol.asyncDispose](), this.b.plane[Symbol.asyncDispose]()]);
  }
}

async function end(
  host: Host,
  other: Host,
  options: PairOptions,
  planeOptions: UserspaceOptions,
  inner: string,
): Promise<PairEnd> {
  const { encapsulation = "udp", family = 4 } = options;
  const port = encapsulation === "udp" ? (options.port ?? 1701) : 0;
  const plane = new UserspaceDataPlane(planeOptions);
  const control: Uint8Array[] = [];
  const notices: PlaneNotice[] = [];
  const local = host.socketAddress(family, port);
  const wire = await plane.open({ encapsulation, local, namespace: host.path }, ({ datagram }) => {
    control.push(datagram.slice());
  });
  void (async () => {
    for await (const notice of wire.notices) notices.push(notice);
  })();
  const tunnel = await wire.createTunnel({
    version: 3,
    tunnelId: host.number,
    peerTunnelId: other.number,
    peer: other.socketAddress(family, port),
  });
  const wish = options.session ?? {};
  const session = await tunnel.createSession(
    sessionParameters({
      sessionId: host.number * 16,
      peerSessionId: other.number * 16,
      ...wish,
      interface: {
        ...(options.inner === false ? {} : { addresses: [{ address: inner, prefixLength: 24 }] }),
        ...wish.interface,
      },
    }),
  );
  return { host, plane, wire, tunnel, session, notices, control };
}

/** Sends `octets` of a known pattern by TCP through the inside, from program to program; resolves with what came. */
export async function transfer(
  from: Host,
  to: Host,
  address: string,
  octets: number,
): Promise<{ readonly received: number; readonly intact: boolean; readonly seconds: number }> {
  const server = to.start(process.execPath, ["-e", SERVER, address]);
  const [port, done] = await new Promise<[string, Promise<string>]>((resolve, reject) => {
    let output = "";
    let tell: (text: string) => void;
    const result = new Promise<string>((r) => {
      tell = r;
    });
    server.stdout?.on("data", (text: Buffer) => {
      output += text.toString();
      const [first, second] = output.split("\n");
      if (output.includes("\n")) resolve([first as string, result]);
      if (output.split("\n").length > 2) tell(second as string);
    });
    server.stderr?.on("data", (text: Buffer) => reject(new Error(text.toString())));
    server.once("error", reject);
  });
  const begin = performance.now();
  try {
    const client = await from.execute(process.execPath, "-e", CLIENT, address, port, String(octets));
    if (client.code !== 0) throw new Error(client.output);
    const { received, digest } = JSON.parse(await done) as { received: number; digest: string };
    return {
      received,
      intact: digest === client.output.trim(),
      seconds: (performance.now() - begin) / 1_000,
    };
  } finally {
    server.kill("SIGKILL");
  }
}

const SERVER = `
const { createHash } = require("node:crypto");
const hash = createHash("sha256");
let received = 0;
const server = require("node:net").createServer((socket) => {
  socket.on("data", (chunk) => { received += chunk.length; hash.update(chunk); });
  socket.on("end", () => { console.log(JSON.stringify({ received, digest: hash.digest("hex") })); socket.end(); });
});
server.listen(0, process.argv[1], () => console.log(server.address().port));
`;

/** Chunks of odd lengths, so that segments begin anywhere; the digest is of what was written. */
const CLIENT = `
const { createHash, randomFillSync } = require("node:crypto");
const hash = createHash("sha256");
const block = randomFillSync(Buffer.alloc(1_000_003));
let left = Number(process.argv[3]);
const socket = require("node:net").connect(Number(process.argv[2]), process.argv[1]);
socket.on("error", (error) => { console.error(String(error)); process.exit(1); });
socket.on("close", () => console.log(hash.digest("hex")));
socket.resume();
const write = () => {
  while (left > 0) {
    const chunk = block.subarray(0, Math.min(left, 1 + Math.floor(Math.random() * block.length)));
    left -= chunk.length;
    hash.update(chunk);
    if (left === 0) socket.end(chunk);
    else if (!socket.write(chunk)) return socket.once("drain", write);
  }
};
socket.on("connect", write);
`;
