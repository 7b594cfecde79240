/** Calls that come in on a tunnel: asked about, accepted as sessions, passed on to another tunnel, or refused. */
import { CDN, type RefusalDecision } from "@l2tp/control";
import { Call } from "./call.ts";
import type { DynamicHost } from "./host.ts";
import type { CallQuestion, Questions } from "./questions.ts";
import { sayable } from "./refusal.ts";
import { DynamicSessionKeeper } from "./session.ts";
import { pppOf } from "./session-plane.ts";
import type { Switching } from "./switching.ts";
import { DynamicTunnelKeeper } from "./tunnel.ts";
import { warnOf } from "./warn.ts";

/** The endpoint wants to know whether this call may be. */
export function takeCall(
  host: DynamicHost,
  questions: Questions,
  switching: Switching,
  question: CallQuestion,
  tunnels: Iterable<DynamicTunnelKeeper>,
): void {
  const { driver, connections } = host;
  const { token, session: handle, about } = question;
  const connection = connections.get(question.tunnel);
  const tunnel = connection?.owner;
  const status = driver.endpoint.session(handle);
  if (connection === undefined || status === undefined || !(tunnel instanceof DynamicTunnelKeeper)) {
    driver.command((endpoint, now) => endpoint.decide(now, token, { accept: false }));
    return;
  }
  let answered = false;
  const name = `call-${status.sessionId}`;
  const refuse = (given: RefusalDecision): boolean => {
    if (answered) return false;
    const why = sayable(given);
    answered = true;
    const { result = 3, error, remedy, text } = why;
    warnOf(
      host,
      tunnel.logger,
      tunnel.peer?.address ?? "",
      { result, error, callingNumber: status.callingNumber, calledNumber: status.calledNumber },
      `a call on tunnel ${tunnel.name} is refused: CDN ${result}${error === undefined ? "" : `/${error}`}${text === undefined ? "" : `, "${text}"`}${remedy === undefined ? "" : `; ${remedy}`}`,
    );
    return driver.command((endpoint, now) => endpoint.decide(now, token, why));
  };
  host.watch(
    questions.call(question, {
      tunnel: tunnel.name,
      tunnelId: tunnel.tunnelId,
      peerName: tunnel.peerName,
      session: name,
      sessionId: status.sessionId,
      usual: tunnel.facts.session,
      refuse,
      accept: ({ switchTo, switchPpp = "pass", name: wanted = name, reply, ...defaults }) => {
        if (answered || tunnel.connection !== connection) return false;
        const target = switchTo === undefined ? undefined : [...tunnels].find((t) => t.name === switchTo);
        if (switchTo !== undefined && target === undefined) {
          return !refuse({
            ...CDN.temporary,
            accept: false,
            remedy: `add tunnel ${switchTo}, to which it is to be passed on`,
          });
        }
        const kind = about === "incoming-call" ? "lns-incoming" : "lac-outgoing";
        const passedOn = target === undefined ? undefined : kind === "lns-incoming" ? switchPpp : "pass";
        if (passedOn === "end" && pppOf(defaults, host.capabilities).by !== "own") {
          const remedy =
            "LCP and authentication can end here only where PPP is our own: give the call a PPP profile";
          return !refuse({ ...CDN.temporary, accept: false, remedy });
        }
        const settings = host.accepted.of(kind, defaults, passedOn);
        const keeper = new DynamicSessionKeeper(host, tunnel, freeName(tunnel, wanted, name), settings);
        tunnel.addSession(keeper);
        answered = true;
        keeper.begin(new Call(driver, connection, handle, keeper));
        if (target !== undefined) switching.intend(keeper, target);
        const undo = (): void => {
          host.calls.delete(handle);
          keeper.abandon();
        };
        try {
          const inTime = driver.command((endpoint, now) =>
            endpoint.decide(now, token, {
              accept: true,
              name: keeper.name,
              ...(defaults.sendSequence === true && { sendSequence: true }),
              ...(reply !== undefined && { reply }),
            }),
          );
          if (!inTime) undo();
          return inTime;
        } catch (error) {
          answered = false;
          undo();
          throw error;
        }
      },
    }),
  );
}

/** What is wanted may be there already, and the name that no call should have, too: a program names sessions as it likes. */
function freeName(tunnel: DynamicTunnelKeeper, wanted: string, otherwise: string): string {
  if (tunnel.session(wanted) === undefined) return wanted;
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? otherwise : `${otherwise}.${n}`;
    if (tunnel.session(candidate) === undefined) return candidate;
  }
}
