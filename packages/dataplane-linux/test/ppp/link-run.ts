/** Runs a `PppSession` of @l2tp/ppp on the link of a session, as @l2tp/node does. */
import { randomBytes } from "node:crypto";
import type { PppLinkConfiguration, SessionPlane } from "@l2tp/dataplane";
import {
  answerFromSecret,
  type DownReason,
  type LinkConfiguration,
  type PppOptions,
  PppSession,
  pppSettings,
} from "../../../ppp/src/index.ts";

/** What a link's run told. */
export interface LinkRun {
  readonly ppp: PppSession;
  /** Rejected when the link goes down before. */
  readonly up: Promise<void>;
  readonly down: Promise<DownReason>;
  /** What `configure` failed with. */
  readonly failures: unknown[];
  /** The newest. */
  configuration(): LinkConfiguration;
  /** What the peer said who it is. */
  readonly authenticated: string[];
  close(): void;
}

/** The password of everybody. */
export const PASSWORD = "wonderland";

/** What the data plane is told. */
export function forPlane({ ipv4, ipv6, tcpMss, mppe, ...rest }: LinkConfiguration): PppLinkConfiguration {
  return {
    ...rest,
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

/** Begins at once. */
export function runLink(session: SessionPlane, options: PppOptions): LinkRun {
  const { link } = session;
  if (link === undefined) throw new Error("the session has no link");
  const ppp = new PppSession(pppSettings(options), (octets) => new Uint8Array(randomBytes(octets)));
  const failures: unknown[] = [];
  const authenticated: string[] = [];
  let resolveUp: () => void = () => {};
  let rejectUp: (error: Error) => void = () => {};
  let resolveDown: (reason: DownReason) => void = () => {};
  const up = new Promise<void>((resolve, reject) => {
    resolveUp = resolve;
    rejectUp = reject;
  });
  up.catch(() => {});
  const down = new Promise<DownReason>((resolve) => {
    resolveDown = resolve;
  });
  let newest: LinkConfiguration | undefined;
  const now = () => performance.now();
  let work: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const pump = (): void => {
    for (let event = ppp.pollEvent(); event !== undefined; event = ppp.pollEvent()) {
      if (event.type === "frame") link.sendFrame(event.frame);
      else if (event.type === "question") {
        ppp.decide(now(), event.token, answerFromSecret(event.credentials, PASSWORD));
      } else if (event.type === "peer-authenticated") authenticated.push(`${event.name} by ${event.method}`);
      else if (event.type === "configure") {
        const { configuration } = event;
        newest = configuration;
        work = work
          .then(() => link.configure(forPlane(configuration)))
          .catch((error: unknown) => {
            failures.push(error);
          });
      } else if (event.type === "gate") {
        const { protocol, mode } = event;
        work = work.then(() => link.gate(protocol, mode));
      } else if (event.type === "up") void work.then(resolveUp);
      else if (event.type === "down") {
        rejectUp(new Error(event.reason.text));
        resolveDown(event.reason);
      }
    }
    clearTimeout(timer);
    const at = ppp.pollTimeout();
    if (at === undefined) return;
    timer = setTimeout(
      () => {
        ppp.handleTimeout(now(), link.lastDataReceived());
        pump();
      },
      Math.max(0, at - now()),
    );
  };
  link.onFrame((frame) => {
    ppp.receive(now(), frame);
    pump();
  });
  link.onMppeLost(() => {
    ppp.mppeLost(now());
    pump();
  });
  ppp.start(now());
  pump();
  return {
    ppp,
    up,
    down,
    failures,
    authenticated,
    configuration: () => newest as LinkConfiguration,
    close: () => {
      ppp.close(now());
      pump();
    },
  };
}
