/** What dynamic tunnels, their sessions and listeners share in a context. */
import type { CallRequest } from "@l2tp/access";
import type { RefusalDecision, SessionHandle, TunnelHandle } from "@l2tp/control";
import type { DataPlaneCapabilities } from "@l2tp/dataplane";
import type { Message } from "@l2tp/protocol";
import type { DialerOptions } from "../dial/index.ts";
import type { Host } from "../host.ts";
import type { PppHost, PppProfile } from "../ppp/index.ts";
import type { Call } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { EndpointDriver } from "./driver.ts";
import type { EndedCalls } from "./ended-calls.ts";
import type { AcceptedSettings } from "./session-settings.ts";

/** Passes calls on, see switching.ts. Sessions that are not passed on it does not know. */
export interface CallPasser {
  /** One half is up. */
  up(session: object): void;
  /** An outgoing call is to be placed. */
  place(session: object, request: Message<"OCRQ", 2>): void;
}

/** What a second answer about a call says; undefined: nothing that was not said before. */
export type SecondAnswer =
  | { readonly accept: true; readonly profile: PppProfile }
  | RefusalDecision
  | undefined;

/** One for each context. */
export interface DynamicHost extends Host {
  readonly driver: EndpointDriver;
  readonly capabilities: DataPlaneCapabilities;
  readonly ppp: PppHost;
  readonly dialler: DialerOptions;
  readonly connections: Map<TunnelHandle, Connection>;
  readonly calls: Map<SessionHandle, Call>;
  /** Nothing new is begun. */
  readonly draining: boolean;
  /** Work that the context waits for when it closes. */
  track(work: Promise<unknown>): void;
  /** Work whose failure is logged, and that nobody waits for: somebody may take for ever to answer a question. */
  watch(work: Promise<unknown>): void;
  readonly switching: CallPasser;
  readonly accepted: AcceptedSettings;
  readonly ended: EndedCalls;
  /** Asks once more, when a call is connected and its Private Group is known. Undefined where no authority is asked. */
  readonly askAgain: ((call: CallRequest) => Promise<SecondAnswer>) | undefined;
}
