/** An LNS to be loaded, in the test's own process: the control package's endpoint behind a UDP socket, with PPP on request. */
import { getRandomValues, randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Endpoint, type EndpointChanges, type PeerAddress, type PeerDecision } from "@l2tp/control";
import { answerFromSecret, PppSession, pppSettings } from "@l2tp/ppp";
import { encodeDataV2, HeaderCursor } from "@l2tp/protocol";

export interface LnsOptions extends EndpointChanges {
  readonly port?: number;
  /** The answer to every caller; default yes. */
  readonly peer?: PeerDecision;
  /** Refuses calls. */
  readonly refuseCalls?: { readonly result: number; readonly error?: number; readonly text?: string };
  /** PPP in each session, for the user `test…` with the password `test`. */
  readonly ppp?: boolean;
  /** Asks for a sign of life so often, and gives up after four without an answer. Default: not. */
  readonly echoMs?: number;
  /** Drops each datagram, either way, with this probability. */
  readonly loss?: number;
}

interface Ppp {
  readonly session: PppSession;
  readonly tunnelId: number;
  readonly sessionId: number;
  to: PeerAddress;
}

const SERVER = "10.9.0.1";

/** See the file's head. */
export class TestLns implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly sockets: Socket;
  /** Ports that tunnels came from, and host names of callers. */
  readonly ports = new Set<number>();
  readonly hostNames: string[] = [];
  readonly callers: string[] = [];
  /** How many tunnels had asked to be opened when the first call came. */
  tunnelsAtFirstCall: number | undefined;
  echoRequests = 0;
  readonly #options: LnsOptions;
  readonly #ppp = new Map<string, Ppp>();
  readonly #cursor = new HeaderCursor();
  #users = 0;
  readonly #timer: NodeJS.Timeout;
  #seed = 1;

  private constructor(options: LnsOptions) {
    const {
      port: _,
      peer: __,
      refuseCalls: ___,
      ppp: ____,
      loss: _____,
      echoMs: ______,
      ...changes
    } = options;
    this.#options = options;
    this.endpoint = new Endpoint({
      random: getRandomValues,
      ...changes,
      limits: { sourceSccrq: [1e9, 1e9], halfOpenPerSource: 1e9, ...changes.limits },
    });
    this.sockets = createSocket("udp4");
    this.sockets.on("message", (datagram, { address, port }) => {
      if (this.#loses()) return;
      const from: PeerAddress = { family: 4, address, port };
      this.ports.add(port);
      if (((datagram[0] as number) & 0x80) === 0) this.#data(from, datagram);
      else this.endpoint.handleDatagram(performance.now(), from, datagram);
      this.#pump();
    });
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.endpoint.handleTimeout(now);
      for (const { session } of this.#ppp.values()) session.handleTimeout(now);
      this.#pump();
    }, 10);
  }

  static async listen(options: LnsOptions = {}): Promise<TestLns> {
    const lns = new TestLns(options);
    lns.sockets.bind(options.port ?? 0, "127.0.0.1");
    await once(lns.sockets, "listening");
    return lns;
  }

  get target(): string {
    return `127.0.0.1:${this.sockets.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.sockets.close();
    await once(this.sockets, "close");
  }

  /** The same datagrams are lost in every run. */
  #loses(): boolean {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
    return this.#seed / 2 ** 32 < (this.#options.loss ?? 0);
  }

  #send(to: { port: number; address: string }, datagram: Uint8Array): void {
    if (!this.#loses()) this.sockets.send(Uint8Array.from(datagram), to.port, to.address);
  }

  #pump(): void {
    const { endpoint } = this;
    const now = performance.now();
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === "question" && event.about === "peer") {
        this.hostNames.push(event.peer.hostName);
        endpoint.decide(now, event.token, this.#options.peer ?? { accept: true });
      } else if (event.type === "question") {
        this.tunnelsAtFirstCall ??= this.hostNames.length;
        this.callers.push(String((event.request as { callingNumber?: string }).callingNumber ?? ""));
        const { refuseCalls } = this.#options;
        endpoint.decide(now, event.token, refuseCalls ? { accept: false, ...refuseCalls } : { accept: true });
      } else if (event.type === "intent") endpoint.planeReady(now, event.token);
      else if (event.type === "session-up" && this.#options.ppp === true) this.#startPpp(event);
      else if (event.type === "session-down") this.#ppp.delete(`${event.session}`);
    }
    for (const one of this.#ppp.values()) this.#pppEvents(one);
    for (let out = endpoint.pollTransmit(); out !== undefined; out = endpoint.pollTransmit()) {
      this.#send(out.to, out.datagram);
    }
  }

  #startPpp({ session, tunnel }: { session: number; tunnel: number }): void {
    const status = this.endpoint.session(session as never);
    const { peerTunnelId, peerAddress } = this.endpoint.tunnel(tunnel as never) ?? {};
    if (status === undefined || peerTunnelId === undefined || peerAddress === undefined) return;
    const user = ++this.#users;
    const ppp = new PppSession(
      pppSettings({
        authenticatePeer: { methods: ["chap-md5", "pap"] },
        ipv4: { local: SERVER, peer: `10.9.${1 + (user >> 8)}.${user & 255}` },
        ipv6: false,
        restartMs: 200,
        echoIntervalMs: this.#options.echoMs ?? 0,
      }),
      (octets) => new Uint8Array(randomBytes(octets)),
    );
    ppp.start(performance.now());
    this.#ppp.set(`${session}`, {
      session: ppp,
      tunnelId: peerTunnelId,
      sessionId: status.peerSessionId,
      to: peerAddress,
    });
  }

  #pppEvents({ session, tunnelId, sessionId, to }: Ppp): void {
    for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
      if (event.type === "frame") {
        if (event.frame[0] === 0xc0 && event.frame[2] === 9) this.echoRequests++;
        const payload = Uint8Array.from([0xff, 0x03, ...event.frame]);
        this.#send(to, encodeDataV2({ tunnelId, sessionId }, payload));
      } else if (event.type === "question") {
        const { credentials } = event;
        const secret = credentials.name.startsWith("test") ? "test" : undefined;
        session.decide(performance.now(), event.token, answerFromSecret(credentials, secret));
      }
    }
  }

  #data(from: PeerAddress, datagram: Uint8Array): void {
    if (!this.#cursor.read(datagram)) return;
    const { bodyEnd, bodyStart, sessionId } = this.#cursor;
    const frame = datagram.subarray(bodyStart, bodyEnd);
    for (const [handle, one] of this.#ppp) {
      if (
        this.endpoint.session(Number(handle) as never)?.sessionId !== sessionId ||
        one.to.port !== from.port
      )
        continue;
      // An IPv4 packet (an echo request) goes back as its own answer.
      if (frame[2] === 0 && frame[3] === 0x21) this.#answerPing(one, frame);
      else one.session.receive(performance.now(), frame);
    }
  }

  #answerPing(one: Ppp, frame: Uint8Array): void {
    const reply = frame.slice();
    const packet = reply.subarray(4);
    packet.set(frame.subarray(4 + 12, 4 + 16), 16);
    packet.set(frame.subarray(4 + 16, 4 + 20), 12);
    packet[20] = 0; // Echo Reply: 8 less in the first 16 bits, 0x0800 more in their sum
    const sum = (((packet[22] as number) << 8) | (packet[23] as number)) + 0x0800;
    const folded = (sum & 0xffff) + (sum >> 16);
    packet[22] = folded >> 8;
    packet[23] = folded & 255;
    this.#send(one.to, encodeDataV2({ tunnelId: one.tunnelId, sessionId: one.sessionId }, reply));
  }
}
