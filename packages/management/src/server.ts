/** The server: HTTP on a unix socket that only its owner can open. */
import { lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { dirname, resolve } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { type AppOptions, managementApp } from "./app.ts";
import type { Managed } from "./managed.ts";

/** `sun_path` has 108 octets, and a zero at the end (unix(7)). A longer one would be cut off. */
const LONGEST_PATH = 107;

/** Connections at once: a person's, a few programs', and room for mistakes. */
const MOST_CONNECTIONS = 64;

/** How long answers may take to be finished when the server closes. */
const CLOSE_MS = 1_000;

/** What the server is made of. */
export interface ServeOptions extends AppOptions {
  readonly socketPath: string;
}

/** A server that runs. */
export interface ManagementServer extends AsyncDisposable {
  readonly socketPath: string;
  /** Takes no more requests, finishes those that it has, and removes the socket. Idempotent. */
  close(): Promise<void>;
}

/** Why the socket could not be had. */
export type SocketErrorCode = "in-use" | "not-a-socket" | "no-permission" | "path-too-long" | "system";

/** Thrown by {@link serve}. */
export class SocketError extends Error {
  override readonly name = "SocketError";
  readonly code: SocketErrorCode;
  /** What to do. */
  readonly remedy: string;

  constructor(code: SocketErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
  }
}

/**
 * Listens. The socket has mode 0600 from its first moment; its directory is made where there is none. A socket that a
 * process left behind which is no more is replaced.
 * @throws SocketError
 */
export async function serve(
  managed: Managed,
  { socketPath: given, ...options }: ServeOptions,
): Promise<ManagementServer> {
  const socketPath = resolve(given);
  if (Buffer.byteLength(socketPath) > LONGEST_PATH) {
    const message = `${socketPath}: the path of a socket has at most ${LONGEST_PATH} octets`;
    throw new SocketError("path-too-long", message, "choose a shorter path with --socket");
  }
  const app = managementApp(managed, options);
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000, maxHeaderSize: 8_192 },
    getRequestListener(app.fetch, { hostname: "l2tpd", overrideGlobalObjects: false }),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(120_000); // a reader that stands still for so long has gone
  try {
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o755 });
    await listen(server, socketPath);
  } catch (error) {
    throw error instanceof SocketError ? error : systemError(socketPath, error);
  }
  server.on("error", (error) => options.onError?.(error, "the socket"));
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= stop(server));
  return { socketPath, close, [Symbol.asyncDispose]: close };
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    await bind(server, path);
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    await removeIfStale(path);
    await bind(server, path);
  }
}

/**
 * `listen` on a path binds before it returns, so a umask around the call holds for the socket and for nothing else that
 * this thread does.
 */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", failed);
    const umask = process.umask(0o177);
    try {
      server.listen({ path, backlog: MOST_CONNECTIONS }, () => {
        server.off("error", failed);
        done();
      });
    } finally {
      process.umask(umask);
    }
  });
}

/** Removes a socket that nobody listens to. @throws SocketError where somebody does, or it is none. */
async function removeIfStale(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) {
    const message = `${path} is there, and is no socket`;
    throw new SocketError("not-a-socket", message, "remove it, or choose another path with --socket");
  }
  const answer = await new Promise<string | undefined>((done) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      done(undefined);
    });
    probe.once("error", (error) => done(codeOf(error) ?? "unknown"));
  });
  if (answer === "ENOENT") return;
  if (answer === "ECONNREFUSED") return unlinkSync(path);
  if (answer === "EACCES" || answer === "EPERM") throw systemError(path, { code: answer });
  const message = `${path}: another daemon answers there`;
  throw new SocketError("in-use", message, "stop it, or choose another path with --socket");
}

function systemError(path: string, error: unknown): SocketError {
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    const message = `${path}: not allowed to make a socket there (${code})`;
    throw new SocketError("no-permission", message, "run as root, or choose another path with --socket", {
      cause: error,
    });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new SocketError("system", `${path}: ${text}`, "choose another path with --socket", { cause: error });
}

function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : undefined;
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  // What is answered meanwhile leaves its connection open for another request, which would not be taken.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const hurry = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(hurry);
}
