/**
 * One call and its part of the data plane. It lives until the data plane has let go of it, which may be after the session
 * that people see has a new one.
 */
import type { EndpointEvent, Intent, SessionDown, SessionHandle, SessionUp, Token } from "@l2tp/control";
import type {
  InterfaceAddress,
  PlaneStatistics,
  SessionPlane,
  SessionPlaneParameters,
  TunnelPlane,
} from "@l2tp/dataplane";
import type { Logger } from "../log.ts";
import type { Reason } from "../reason.ts";
import { reasonOf } from "../reason.ts";
import { lastStatistics } from "../totals.ts";
import type { SessionPpp } from "./api.ts";
import type { EndpointDriver } from "./driver.ts";

/** The control connection that it is on. */
export interface CallConnection {
  /** By our Session ID, from when the data plane is asked for it until it has let go. */
  readonly calls: Map<number, Call>;
  readonly plane: TunnelPlane | undefined;
  readonly owner: { readonly logger: Logger } | undefined;
}

/** The session that people see. */
export interface CallOwner {
  readonly label: string;
  /** Who runs PPP, as far as the data plane is concerned. */
  readonly runner: SessionPpp["by"] | "bridge";
  /** What the data plane is to make, but for what the control plane negotiates. */
  planeParameters(): Partial<SessionPlaneParameters>;
  callUp(call: Call, event: SessionUp): void;
  callDown(call: Call, event: SessionDown): void;
  callLost(call: Call, why: Reason): void;
  addressesChanged(interfaceName: string, addresses: readonly InterfaceAddress[]): void;
  /** What the other end says while the call lasts. */
  tell(event: EndpointEvent): void;
}

/** Of a call for which the data plane has nothing to do. */
const DONE: Promise<void> = Promise.resolve();

type SetUp = Extract<Intent, { intent: "set-up-session" }>;

export class Call {
  readonly driver: EndpointDriver;
  readonly connection: CallConnection;
  readonly handle: SessionHandle;
  readonly owner: CallOwner;
  plane: SessionPlane | undefined;
  sessionId = 0;
  peerSessionId = 0;
  /** What it has carried in all, when the data plane has let go of it. */
  carried: PlaneStatistics | undefined;
  /** Why it ends, where the data plane or PPP knows more than the endpoint. */
  cause: Reason | undefined;
  /** What the data plane is at; nothing is kept when it is done. */
  #work: Promise<void> | undefined;
  #orders = 0;
  #tornDown = false;

  constructor(driver: EndpointDriver, connection: CallConnection, handle: SessionHandle, owner: CallOwner) {
    this.driver = driver;
    this.connection = connection;
    this.handle = handle;
    this.owner = owner;
  }

  /** Resolves when the data plane has done what it was asked for so far. */
  get settled(): Promise<void> {
    return this.#work ?? DONE;
  }

  /** Whether the data plane has done what it was asked for so far. */
  get isSettled(): boolean {
    return this.#work === undefined;
  }

  setUp(intent: SetUp): void {
    const { sessionId, peerSessionId } = intent.plane;
    this.sessionId = sessionId;
    this.peerSessionId = peerSessionId;
    this.connection.calls.set(sessionId, this);
    if (this.owner.runner === "none") {
      this.driver.command((endpoint, now) => endpoint.planeReady(now, intent.token));
      return;
    }
    this.#do(intent, async () => {
      const tunnel = this.connection.plane;
      if (this.#tornDown || tunnel === undefined) return;
      // Not by two spreads: V8 makes each result of those a hidden class of its own, half a kilobyte a call.
      const parameters = Object.assign({ role: intent.role }, intent.plane, this.owner.planeParameters());
      this.plane = await tunnel.createSession(parameters);
    });
  }

  update(intent: Extract<Intent, { intent: "update-session" }>): void {
    const { sendSequence, receiveSequence } = intent;
    this.#do(intent, async () => this.plane?.update({ sendSequence, receiveSequence }));
  }

  /** The data plane of a LAC does what its LNS does. */
  followed(on: boolean): void {
    this.driver.command((endpoint) => endpoint.noteSequencing(this.handle, on));
  }

  tearDown(intent: Extract<Intent, { intent: "tear-down-session" }>): void {
    this.#tornDown = true;
    this.#do(intent, async () => {
      const { plane } = this;
      this.plane = undefined;
      this.carried = plane && (await lastStatistics(plane));
      try {
        await plane?.[Symbol.asyncDispose]();
      } catch (error) {
        this.connection.owner?.logger.error(
          { error },
          `session ${this.owner.label} was not taken down cleanly`,
        );
      }
      if (this.connection.calls.get(this.sessionId) === this) this.connection.calls.delete(this.sessionId);
    });
  }

  /** One after the other; the endpoint is told how it went. */
  #do({ token }: Intent, work: () => Promise<void>): void {
    this.#orders += 1;
    this.#work = this.#carryOut(this.#work, token, work);
  }

  async #carryOut(before: Promise<void> | undefined, token: Token, work: () => Promise<void>): Promise<void> {
    // Also where there is nothing to wait for: the endpoint is not answered while it asks.
    await before;
    let failure: string | undefined;
    try {
      await work();
    } catch (error) {
      this.cause ??= reasonOf(error);
      failure = (error as Error).message;
    }
    this.#orders -= 1;
    if (this.#orders === 0) this.#work = undefined;
    this.driver.command((endpoint, now) =>
      failure === undefined ? endpoint.planeReady(now, token) : endpoint.planeFailed(now, token, failure),
    );
  }

  /** The data plane has it no more. */
  lost(why: Reason): void {
    if (this.#tornDown) return;
    this.cause ??= why;
    this.owner.callLost(this, why);
  }
}
