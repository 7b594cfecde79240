/**
 * A scripted peer of L2TPv2 on a real UDP socket: it says, octet by octet, what the test tells it to, and keeps the numbers
 * of reliable delivery as a good peer does. The octets are not made by the codec under test.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { until } from "@l2tp/lab";
import {
  A,
  avpOf,
  body,
  control,
  type Heard,
  hear,
  numberOf,
  response,
  type TypeName,
} from "../../packages/control/test/wire.ts";

/** Where the daemon is. */
export interface Where {
  readonly address: string;
  readonly port: number;
}

/** The tunnel as its peer has it, on a socket that it may share with others. */
export class Peer {
  readonly name: string;
  /** Sends; a test may take another in the middle. */
  socket: Socket;
  /** Where the daemon is: given, or learned from its SCCRQ. */
  daemon: Where | undefined;
  readonly tunnelId: number;
  /** The daemon's tunnel ID. */
  theirs = 0;
  ns = 0;
  nr = 0;
  /** Sends ZLBs, as it should. */
  acknowledges = true;
  readonly heard: Heard[] = [];
  /** Data messages, whole. */
  readonly data: Uint8Array[] = [];

  constructor(socket: Socket, name: string, tunnelId: number, daemon?: Where) {
    this.socket = socket;
    this.name = name;
    this.tunnelId = tunnelId;
    this.daemon = daemon;
    this.listen(socket);
  }

  /** Hears what comes by this socket for its tunnel, and SCCRQs while it has none. */
  listen(socket: Socket): void {
    socket.on("message", (datagram, { address, port }) => {
      const tunnelId = datagram.readUInt16BE(((datagram[0] as number) & 0x40) === 0 ? 2 : 4);
      if (((datagram[0] as number) & 0x80) === 0) {
        if (tunnelId === this.tunnelId) this.data.push(Uint8Array.from(datagram));
        return;
      }
      if (tunnelId !== this.tunnelId && !(tunnelId === 0 && this.theirs === 0)) return;
      this.daemon ??= { address, port };
      this.#hears(hear(Uint8Array.from(datagram)));
    });
  }

  #hears(heard: Heard): void {
    this.heard.push(heard);
    if (heard.type === "ZLB") return;
    if (heard.type === "SCCRQ" || heard.type === "SCCRP") this.theirs = numberOf(heard, 9) ?? this.theirs;
    if (heard.ns === this.nr) this.nr = (this.nr + 1) & 0xffff;
    if (this.acknowledges) this.acknowledge();
  }

  acknowledge(): void {
    this.raw(control({ tunnelId: this.theirs, ns: this.ns, nr: this.nr }, []));
  }

  raw(datagram: Uint8Array): void {
    if (this.daemon === undefined) throw new Error("nobody has called yet");
    this.socket.send(datagram, this.daemon.port, this.daemon.address);
  }

  /** Sends a message with the next Ns. */
  say(type: TypeName | number, ...avps: number[][]): void {
    this.sayTo(0, type, ...avps);
  }
  sayTo(sessionId: number, type: TypeName | number, ...avps: number[][]): void {
    const header = { tunnelId: this.theirs, sessionId, ns: this.ns, nr: this.nr };
    this.ns = (this.ns + 1) & 0xffff;
    this.raw(control(header, body(type, ...avps)));
  }

  /** The messages of a type that were heard, each once however often it was sent. */
  all(type: TypeName): Heard[] {
    const found = new Map<number, Heard>();
    for (const heard of this.heard) if (heard.type === type) found.set(heard.ns, heard);
    return [...found.values()];
  }

  /** Waits for the `nth` message of a type. @throws Error with what was heard instead */
  async hears(type: TypeName, nth = 1): Promise<Heard> {
    await until(() => this.all(type).length >= nth, `${this.name} hears ${type}`).catch((cause: unknown) => {
      const types = this.heard.map((heard) => heard.type).join(" ");
      throw new Error(`${this.name} never heard ${nth === 1 ? "" : `${nth} × `}${type}, but ${types}`, {
        cause,
      });
    });
    return this.all(type)[nth - 1] as Heard;
  }

  sccrq(...more: number[][]): void {
    this.say("SCCRQ", A.version(), A.host(this.name), A.framing(), A.tunnelId(this.tunnelId), ...more);
  }

  /** Calls, and has a tunnel. With a secret it answers the challenge. */
  async establish(secret?: string, ...more: number[][]): Promise<this> {
    this.sccrq(...more);
    this.connect(await this.hears("SCCRP"), secret);
    return this;
  }

  /** The SCCCN upon an SCCRP. */
  connect(sccrp: Heard, secret?: string): void {
    const challenge = avpOf(sccrp, 11);
    if (secret === undefined || challenge === undefined) this.say("SCCCN");
    else this.say("SCCCN", A.response(response(3, secret, challenge)));
  }

  /** Waits to be called, and answers; the tunnel is there then. */
  async answers(secret?: string, ...more: number[][]): Promise<this> {
    const challenge = avpOf(await this.hears("SCCRQ"), 11);
    const proof =
      secret === undefined || challenge === undefined ? [] : [A.response(response(2, secret, challenge))];
    this.say(
      "SCCRP",
      A.version(),
      A.framing(),
      A.host(this.name),
      A.tunnelId(this.tunnelId),
      ...proof,
      ...more,
    );
    await this.hears("SCCCN");
    return this;
  }

  icrq(id: number, ...more: number[][]): void {
    this.say("ICRQ", A.sessionId(id), A.serial(id), ...more);
  }

  /** As LAC: a call comes in, and is connected. @returns the daemon's Session ID */
  async call(id: number, ...more: number[][]): Promise<number> {
    const before = this.all("ICRP").length;
    this.icrq(id, ...more);
    const session = numberOf(await this.hears("ICRP", before + 1), 14) ?? 0;
    this.sayTo(session, "ICCN", A.txSpeed(1e6), A.framingType(1));
    return session;
  }
}

/** Sockets of scripted peers, closed at the end. */
export class Peers implements AsyncDisposable {
  readonly #sockets: Socket[] = [];
  #nextId = 100;

  async socket(address: string, port = 0): Promise<Socket> {
    const socket = createSocket("udp4");
    socket.bind(port, address);
    await once(socket, "listening");
    this.#sockets.push(socket);
    return socket;
  }

  /** A peer that calls the daemon from an address. */
  async caller(name: string, daemon: Where, address = "127.0.0.1"): Promise<Peer> {
    return new Peer(await this.socket(address), name, this.#nextId++, daemon);
  }

  /** A peer that the daemon is to call. */
  async called(name: string, address: string, port: number): Promise<Peer> {
    return new Peer(await this.socket(address, port), name, this.#nextId++);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.close();
      await once(socket, "close");
    }
  }
}
