/** PPP sessions between data planes, each end run by a real `PppSession`: what `@l2tp/node` does, in its smallest form. */
import { randomBytes } from "node:crypto";
import type {
  PlaneNotice,
  PppLink,
  PppLinkConfiguration,
  PppLinkSettings,
  SessionPlane,
  SessionPlaneParameters,
  TunnelPlane,
  Wire,
} from "@l2tp/dataplane";
import { UserspaceDataPlane, type UserspaceOptions } from "@l2tp/dataplane-userspace";
import type { Host, Lab } from "@l2tp/lab";
import {
  answerFromSecret,
  type LinkConfiguration,
  type PppOptions,
  PppSession,
  pppSettings,
} from "@l2tp/ppp";
import type { L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { sessionParameters } from "./pair.ts";

export const USER = { name: "alice", password: "wonderland" } as const;
/** Of the link in {@link pppPair}: the LAC's end has the first, as a client would. */
export const INSIDE = { client: "10.97.0.2", server: "10.97.0.1" } as const;

/** Runs a link until it is ended. */
export class Runner implements Disposable {
  readonly ppp: PppSession;
  readonly link: PppLink;
  /** Resolves when the first network protocol is up, and rejects when the link ends before. */
  readonly up: Promise<void>;
  configuration: LinkConfiguration | undefined;
  down: string | undefined;
  readonly #options: PppOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #listening: Disposable[];
  #configured: Promise<unknown> = Promise.resolve();
  #tell: { up: () => void; down: (reason: Error) => void } = { up: () => {}, down: () => {} };

  constructor(link: PppLink, options: PppOptions, more: Partial<PppLinkConfiguration> = {}) {
    this.link = link;
    this.#options = options;
    this.ppp = new PppSession(pppSettings(options), (octets) => new Uint8Array(randomBytes(octets)));
    this.up = new Promise((resolve, reject) => {
      this.#tell = { up: resolve, down: reject };
    });
    this.up.catch(() => {});
    this.#listening = [
      link.onFrame((frame) => {
        this.ppp.receive(performance.now(), frame);
        this.#pump(more);
      }),
      link.onMppeLost(() => {
        this.ppp.mppeLost(performance.now());
        this.#pump(more);
      }),
    ];
    this.#timer = setInterval(() => {
      const now = performance.now();
      if ((this.ppp.pollTimeout() ?? now + 1) <= now) this.ppp.handleTimeout(now, link.lastDataReceived());
      this.#pump(more);
    }, 20);
    this.#timer.unref();
    this.ppp.start(performance.now());
    this.#pump(more);
  }

  #pump(more: Partial<PppLinkConfiguration>): void {
    const { ppp, link } = this;
    for (let event = ppp.pollEvent(); event !== undefined; event = ppp.pollEvent()) {
      if (event.type === "frame") link.sendFrame(event.frame);
      else if (event.type === "question") {
        const { credentials, token } = event;
        const secret = credentials.name === USER.name ? USER.password : undefined;
        ppp.decide(performance.now(), token, answerFromSecret(credentials, secret));
      } else if (event.type === "configure") {
        this.configuration = event.configuration;
        this.#configured = link.configure({ ...planeConfiguration(event.configuration), ...more });
        this.#configured.catch((error: unknown) => this.#tell.down(error as Error));
      } else if (event.type === "gate") link.gate(event.protocol, event.mode);
      else if (event.type === "mppe-reset") link.resetMppe();
      else if (event.type === "up") void this.#configured.then(this.#tell.up, this.#tell.down);
      else if (event.type === "down") {
        this.down = event.reason.text;
        this.#tell.down(new Error(event.reason.text));
      }
    }
  }

  /** Both network protocols are up, where both are wanted. */
  async configured(): Promise<void> {
    await this.up;
    const { ipv4, ipv6 } = this.#options;
    const isThere = () =>
      (ipv4 === false || this.configuration?.ipv4 !== undefined) &&
      (ipv6 === false || this.configuration?.ipv6 !== undefined);
    for (let i = 0; i < 2_500 && !isThere(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    await this.#configured;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const one of this.#listening) one[Symbol.dispose]();
  }
}

function planeConfiguration(agreed: LinkConfiguration): PppLinkConfiguration {
  const { ipv4, ipv6, mppe, tcpMss, ...link } = agreed;
  return {
    ...link,
    ...(tcpMss !== undefined && { tcpMss }),
    ...(ipv4 !== undefined && {
      ipv4: {
        ...(ipv4.local !== undefined && { local: ipv4.local }),
        ...(ipv4.peer !== undefined && { peer: ipv4.peer }),
      },
    }),
    ...(ipv6 !== undefined && { ipv6: { local: ipv6.local, peer: ipv6.peer } }),
    ...(mppe !== undefined && {
      mppe: {
        send: { ...mppe.send, startKey: mppe.keys.key("send", mppe.send.bits) },
        receive: { ...mppe.receive, startKey: mppe.keys.key("receive", mppe.receive.bits) },
      },
    }),
  };
}

/** Who dials: proves itself and takes what address it gets. */
export const client = (more: PppOptions = {}): PppOptions => ({
  authenticateSelf: USER,
  caller: true,
  mru: 1_400,
  ...more,
});

/** Who is dialled. */
export const server = (peer: string = INSIDE.client, more: PppOptions = {}): PppOptions => ({
  authenticatePeer: { methods: ["mschap-v2"] },
  ipv4: { local: INSIDE.server, peer },
  ipv6: { local: "::1" },
  caller: false,
  mru: 1_400,
  ...more,
});

/** One end of a tunnel. */
export interface TunnelEnd {
  readonly host: Host;
  readonly plane: UserspaceDataPlane;
  readonly wire: Wire;
  readonly tunnel: TunnelPlane;
  readonly notices: PlaneNotice[];
  session(wish: Partial<SessionPlaneParameters>): Promise<SessionPlane & { readonly link: PppLink }>;
}

/** A tunnel's end on a wire of its own. */
export async function tunnelEnd(
  host: Host,
  local: SocketAddress,
  peer: SocketAddress,
  ids: { readonly version?: L2tpVersion; readonly tunnelId: number; readonly peerTunnelId: number },
  options: UserspaceOptions = {},
): Promise<TunnelEnd> {
  const { version = 2, ...tunnelIds } = ids;
  const plane = new UserspaceDataPlane(options);
  const wire = await plane.open({ encapsulation: "udp", local, namespace: host.path }, () => {});
  const notices: PlaneNotice[] = [];
  void (async () => {
    for await (const notice of wire.notices) notices.push(notice);
  })();
  const tunnel = await wire.createTunnel({ version, peer, ...tunnelIds });
  return {
    host,
    plane,
    wire,
    tunnel,
    notices,
    async session(wish) {
      const session = await tunnel.createSession(sessionParameters({ pseudowire: "ppp", ...wish }));
      if (session.link === undefined) throw new Error("a PPP session has a link");
      return session as SessionPlane & { readonly link: PppLink };
    },
  };
}

export interface PppPairOptions {
  readonly version?: L2tpVersion;
  readonly a?: UserspaceOptions;
  readonly b?: UserspaceOptions;
  readonly client?: PppOptions;
  readonly server?: PppOptions;
  readonly session?: Partial<SessionPlaneParameters>;
  readonly link?: { readonly client?: Partial<PppLinkSettings>; readonly server?: Partial<PppLinkSettings> };
  readonly configuration?: {
    readonly client?: Partial<PppLinkConfiguration>;
    readonly server?: Partial<PppLinkConfiguration>;
  };
}

/** A client at A, a server at B, each with an interface, and PPP up between them. */
export async function pppPair(lab: Lab, options: PppPairOptions = {}) {
  const { version = 2 } = options;
  const at = (host: Host) => host.socketAddress(4, 1701);
  const ends = await Promise.all([
    tunnelEnd(lab.a, at(lab.a), at(lab.b), { version, tunnelId: 1, peerTunnelId: 2 }, options.a),
    tunnelEnd(lab.b, at(lab.b), at(lab.a), { version, tunnelId: 2, peerTunnelId: 1 }, options.b),
  ]);
  const [a, b] = ends;
  const attach = { to: "interface" } as const;
  const [atA, atB] = await Promise.all([
    a.session({
      ...options.session,
      sessionId: 11,
      peerSessionId: 22,
      pppLink: { attach, ...options.link?.client },
    }),
    b.session({
      ...options.session,
      sessionId: 22,
      peerSessionId: 11,
      pppLink: { attach, ...options.link?.server },
    }),
  ]);
  const dialled = new Runner(atB.link, options.server ?? server(), options.configuration?.server);
  const dialling = new Runner(atA.link, options.client ?? client(), options.configuration?.client);
  await Promise.all([dialling.configured(), dialled.configured()]);
  return {
    a: { ...a, session: atA, runner: dialling },
    b: { ...b, session: atB, runner: dialled },
    async [Symbol.asyncDispose]() {
      dialling[Symbol.dispose]();
      dialled[Symbol.dispose]();
      await Promise.all(ends.map(({ plane }) => plane[Symbol.asyncDispose]()));
    },
  };
}
