/** The client: one method for each thing that can be asked; answers are checked against their schemas. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import * as z from "zod";
import { API_HEADER, API_VERSION, errorBody, type ListName } from "./api.ts";
import { ConnectionError } from "./connection-error.ts";
import { ERROR_STATUS, ManagementError, type ManagementErrorCode } from "./errors.ts";
import type { RowOf, SessionFilter, TunnelFilter } from "./filter.ts";
import { LONGEST_LINE, readRows } from "./ndjson.ts";
import {
  type DrainRequest,
  type EndRequest,
  type ReloadReport,
  type ReloadRequest,
  reloadReport,
  type TraceRequest,
} from "./schemas/commands.ts";
import {
  type DialTarget,
  dialTarget,
  type PeerSummary,
  type PoolStatus,
  peerSummary,
  poolStatus,
} from "./schemas/peer.ts";
import {
  type ClosedSession,
  closedSession,
  type SessionDetail,
  type SessionSummary,
  sessionDetail,
  sessionSummary,
} from "./schemas/session.ts";
import {
  type DrainStatus,
  drainStatus,
  type LogLevelName,
  type Status,
  status,
  type TraceStatus,
  traceStatus,
} from "./schemas/status.ts";
import {
  type ClosedTunnel,
  closedTunnel,
  type TunnelDetail,
  type TunnelSummary,
  tunnelDetail,
  tunnelSummary,
} from "./schemas/tunnel.ts";
import { defaultSocketPath } from "./socket-path.ts";

/** What a client is made of. */
export interface ClientOptions {
  /** Default: {@link defaultSocketPath}. */
  readonly socketPath?: string;
  /** The longest silence of the daemon. Default 30 s. */
  readonly timeoutMs?: number;
  /** Ends every request. */
  readonly signal?: AbortSignal;
}

const nothing = z.object({});

/**
 * Speaks to a daemon. All methods throw {@link ConnectionError} where it cannot be reached or understood, and
 * {@link ManagementError} where it says no.
 */
export class ManagementClient implements AsyncDisposable {
  readonly socketPath: string;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor({ socketPath = defaultSocketPath(), timeoutMs = 30_000, signal }: ClientOptions = {}) {
    this.socketPath = socketPath;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  status(): Promise<Status> {
    return this.#call("GET", "/status", status);
  }
  tunnels(filter: TunnelFilter = {}): AsyncGenerator<TunnelSummary> {
    return this.#list("tunnels", tunnelSummary, filter);
  }
  closedTunnels(filter: Omit<TunnelFilter, "state"> = {}): AsyncGenerator<ClosedTunnel> {
    return this.#list("closed-tunnels", closedTunnel, filter);
  }
  /** @param reference - a name, or our tunnel ID. */
  tunnel(reference: string): Promise<TunnelDetail> {
    return this.#call("GET", `/tunnels/${encodeURIComponent(reference)}`, tunnelDetail);
  }
  async closeTunnel(reference: string, request: EndRequest = {}): Promise<void> {
    await this.#call("DELETE", `/tunnels/${encodeURIComponent(reference)}`, nothing, request);
  }
  sessions(filter: SessionFilter = {}): AsyncGenerator<SessionSummary> {
    return this.#list("sessions", sessionSummary, filter);
  }
  closedSessions(filter: Omit<SessionFilter, "state"> = {}): AsyncGenerator<ClosedSession> {
    return this.#list("closed-sessions", closedSession, filter);
  }
  /** @param reference - `TUNNEL/SESSION` by names or IDs; or a name, user, interface or ID that only one has. */
  session(reference: string): Promise<SessionDetail> {
    return this.#call("GET", `/sessions/${encodeURIComponent(reference)}`, sessionDetail);
  }
  async hangUp(reference: string, request: EndRequest = {}): Promise<void> {
    await this.#call("DELETE", `/sessions/${encodeURIComponent(reference)}`, nothing, request);
  }
  peers(filter: { readonly peer?: string | undefined } = {}): AsyncGenerator<PeerSummary> {
    return this.#list("peers", peerSummary, filter);
  }
  pools(): AsyncGenerator<PoolStatus> {
    return this.#list("pools", poolStatus, {});
  }
  dialTargets(filter: { readonly name?: string; readonly state?: string } = {}): AsyncGenerator<DialTarget> {
    return this.#list("dial-targets", dialTarget, filter);
  }
  dial(name: string): Promise<DialTarget> {
    return this.#call("POST", `/dial-targets/${encodeURIComponent(name)}/dial`, dialTarget);
  }
  hangUpTarget(name: string): Promise<DialTarget> {
    return this.#call("POST", `/dial-targets/${encodeURIComponent(name)}/hang-up`, dialTarget);
  }
  reload(request: Partial<ReloadRequest> = {}): Promise<ReloadReport> {
    return this.#call("POST", "/reload", reloadReport, request);
  }
  drain(request: DrainRequest = {}): Promise<DrainStatus> {
    return this.#call("POST", "/drain", drainStatus, request);
  }
  resume(): Promise<DrainStatus> {
    return this.#call("DELETE", "/drain", drainStatus);
  }
  trace(request: TraceRequest): Promise<TraceStatus> {
    return this.#call("PUT", "/trace", traceStatus, request);
  }
  async setLogLevel(level: LogLevelName): Promise<void> {
    await this.#call("PUT", "/log-level", nothing, { level });
  }

  /** Idle connections are closed. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }

  async #call<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, body);
    const text = await this.#text(response);
    return this.#understood(schema, parse(text), response);
  }

  async *#list<L extends ListName>(
    list: L,
    schema: z.ZodType<RowOf[L]>,
    filter: TunnelFilter & SessionFilter,
  ): AsyncGenerator<RowOf[L]> {
    const given = Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const query = new URLSearchParams(given).toString();
    const response = await this.#send("GET", `/${list}${query === "" ? "" : `?${query}`}`);
    try {
      for await (const value of readRows(this.#pieces(response))) {
        const failure = errorBody.safeParse(value);
        if (failure.success) throw saidNo(failure.data.error);
        yield this.#understood(schema, value, response);
      }
    } finally {
      response.destroy(); // a reader that has seen enough
    }
  }

  #understood<T>(schema: z.ZodType<T>, value: unknown, response: IncomingMessage): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const server = response.headers["server"] ?? "the daemon";
    throw new ConnectionError(
      "version-mismatch",
      `${server} at ${this.socketPath} answers in a way that this program does not understand (${issue?.path.join(".")}: ${issue?.message})`,
    );
  }

  /** Sends a request. @returns the head of the answer, where it is a good one. */
  async #send(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await new Promise<IncomingMessage>((done, failed) => {
      const request = httpRequest(
        {
          socketPath: this.socketPath,
          agent: this.#agent,
          method,
          path: `/v${API_VERSION}${path}`,
          headers: {
            host: "l2tpd",
            ...(text !== undefined && {
              "content-type": "application/json",
              "content-length": Buffer.byteLength(text),
            }),
          },
          timeout: this.#timeoutMs,
          ...(this.#signal && { signal: this.#signal }),
        },
        done,
      );
      request.once("timeout", () => {
        request.destroy(
          new ConnectionError("timeout", `${this.socketPath}: no answer for ${this.#timeoutMs} ms`),
        );
      });
      request.once("error", (error) => failed(this.#failure(error)));
      request.end(text);
    });
    response.setEncoding("utf8");
    const version = response.headers[API_HEADER];
    if (version !== String(API_VERSION)) {
      response.destroy();
      throw new ConnectionError(
        "version-mismatch",
        version === undefined
          ? `what listens at ${this.socketPath} is no l2tpd that can be managed`
          : `${response.headers["server"] ?? "the daemon"} at ${this.socketPath} has version ${version} of the management interface, and this program version ${API_VERSION}`,
      );
    }
    if (response.statusCode !== 200) {
      const parsed = errorBody.safeParse(parse(await this.#text(response)));
      if (parsed.success) throw saidNo(parsed.data.error);
      throw new ConnectionError(
        "version-mismatch",
        `${this.socketPath}: an answer with status ${response.statusCode}`,
      );
    }
    return response;
  }

  async #text(response: IncomingMessage): Promise<string> {
    let text = "";
    for await (const piece of this.#pieces(response)) {
      text += piece;
      if (text.length > LONGEST_LINE)
        throw new ConnectionError("version-mismatch", `${this.socketPath}: an answer without end`);
    }
    return text;
  }

  async *#pieces(response: IncomingMessage): AsyncGenerator<string> {
    try {
      for await (const piece of response) yield String(piece);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): Error {
    if (error instanceof ConnectionError) return error;
    if (this.#signal?.aborted) return error as Error;
    return ConnectionError.of(this.socketPath, error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // as wrong as any other value that is not understood
  }
}

function saidNo(said: z.infer<typeof errorBody>["error"]): ManagementError {
  const code: ManagementErrorCode = Object.hasOwn(ERROR_STATUS, said.code)
    ? (said.code as ManagementErrorCode)
    : "internal";
  return new ManagementError(code, said.message, {
    remedy: said.remedy,
    ...(said.details && { details: said.details }),
  });
}
