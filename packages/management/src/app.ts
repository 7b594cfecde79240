/** The HTTP side: paths to methods of {@link Managed}, errors to JSON. */
import { type Context, Hono } from "hono";
import type * as z from "zod";
import { API_HEADER, API_VERSION, LISTS, type ListName, NDJSON } from "./api.ts";
import { ERROR_STATUS, ManagementError } from "./errors.ts";
import { filterOf, type RowOf } from "./filter.ts";
import type { Managed, Rows } from "./managed.ts";
import { writeRows } from "./ndjson.ts";
import { notFound, resolveSession, resolveTunnel } from "./reference.ts";
import {
  drainRequest,
  endRequest,
  logLevelRequest,
  reloadReport,
  reloadRequest,
  traceRequest,
} from "./schemas/commands.ts";
import { dialTarget, peerSummary, poolStatus } from "./schemas/peer.ts";
import { closedSession, sessionDetail, sessionSummary } from "./schemas/session.ts";
import { drainStatus, status, traceStatus } from "./schemas/status.ts";
import { closedTunnel, tunnelDetail, tunnelSummary } from "./schemas/tunnel.ts";

/** No request of ours is near it. */
const LARGEST_BODY = 16_384;

/** What else the server is told. */
export interface AppOptions {
  /** Of the daemon; for the `Server` header. */
  readonly version?: string | undefined;
  /** Told of errors that are nobody's fault but ours. */
  readonly onError?: ((error: unknown, request: string) => void) | undefined;
}

/** Every answer is parsed on its way out: what is not in its schema, such as a secret, does not leave. */
const ROWS: { [L in ListName]: { schema: z.ZodType<RowOf[L]>; of: (managed: Managed) => Rows<RowOf[L]> } } = {
  tunnels: { schema: tunnelSummary, of: (managed) => managed.tunnels() },
  "closed-tunnels": { schema: closedTunnel, of: (managed) => managed.closedTunnels() },
  sessions: { schema: sessionSummary, of: (managed) => managed.sessions() },
  "closed-sessions": { schema: closedSession, of: (managed) => managed.closedSessions() },
  peers: { schema: peerSummary, of: (managed) => managed.peers() },
  pools: { schema: poolStatus, of: (managed) => managed.pools() },
  "dial-targets": { schema: dialTarget, of: (managed) => managed.dialTargets() },
};

/** The application; `fetch` of it answers requests. */
export function managementApp(managed: Managed, options: AppOptions = {}): Hono {
  const app = new Hono().basePath(`/v${API_VERSION}`);
  const errorBodyOf = (error: unknown, request: string) => {
    const known = error instanceof ManagementError ? error : internal(error);
    if (known.code === "internal") options.onError?.(error, request);
    const { code, message, remedy, details } = known;
    return { code, body: { error: { code, message, remedy, ...(details.length > 0 && { details }) } } };
  };
  app.use(async (c, next) => {
    await next();
    c.header(API_HEADER, String(API_VERSION));
    c.header("server", options.version === undefined ? "l2tpd" : `l2tpd/${options.version}`);
    c.header("cache-control", "no-store");
  });
  app.get("/status", async (c) => c.json(status.parse(await managed.status())));
  for (const list of Object.keys(LISTS) as ListName[]) {
    app.get(`/${list}`, (c) => sendList(c, list, managed, (error) => errorBodyOf(error, `GET ${list}`).body));
  }
  app.get("/tunnels/:tunnel", async (c) => {
    const name = resolveTunnel(managed.names(), c.req.param("tunnel"));
    return c.json(tunnelDetail.parse((await managed.tunnel(name)) ?? gone("tunnel", name)));
  });
  app.delete("/tunnels/:tunnel", async (c) => {
    const request = await body(c, endRequest);
    await managed.closeTunnel(resolveTunnel(managed.names(), c.req.param("tunnel")), request);
    return c.json({});
  });
  app.get("/sessions/:session", async (c) => {
    const { tunnel, session } = resolveSession(managed.names(), c.req.param("session"));
    const found = await managed.session(tunnel, session);
    return c.json(sessionDetail.parse(found ?? gone("session", `${tunnel}/${session}`)));
  });
  app.delete("/sessions/:session", async (c) => {
    const request = await body(c, endRequest);
    const { tunnel, session } = resolveSession(managed.names(), c.req.param("session"));
    await managed.hangUp(tunnel, session, request);
    return c.json({});
  });
  app.post("/dial-targets/:name/dial", async (c) => {
    return c.json(dialTarget.parse(await managed.dial(await target(managed, c.req.param("name")))));
  });
  app.post("/dial-targets/:name/hang-up", async (c) => {
    return c.json(dialTarget.parse(await managed.hangUpTarget(await target(managed, c.req.param("name")))));
  });
  app.post("/reload", async (c) =>
    c.json(reloadReport.parse(await managed.reload(await body(c, reloadRequest)))),
  );
  app.post("/drain", async (c) =>
    c.json(drainStatus.parse(await managed.drain(await body(c, drainRequest)))),
  );
  app.delete("/drain", async (c) => c.json(drainStatus.parse(await managed.resume())));
  app.put("/trace", async (c) => c.json(traceStatus.parse(await managed.trace(await body(c, traceRequest)))));
  app.put("/log-level", async (c) => {
    const { level } = await body(c, logLevelRequest);
    await managed.setLogLevel(level);
    return c.json({});
  });

  const root = new Hono();
  root.route("/", app);
  root.notFound((c) => {
    const { code, body } = errorBodyOf(unknownPath(c, app), `${c.req.method} ${c.req.path}`);
    c.header(API_HEADER, String(API_VERSION));
    return c.json(body, ERROR_STATUS[code]);
  });
  root.onError((error, c) => {
    const { code, body } = errorBodyOf(error, `${c.req.method} ${c.req.path}`);
    c.header(API_HEADER, String(API_VERSION));
    return c.json(body, ERROR_STATUS[code]);
  });
  return root;
}

function sendList<L extends ListName>(
  c: Context,
  list: L,
  managed: Managed,
  failed: (error: unknown) => unknown,
): Response {
  const wanted = filterOf(list, singleValues(c.req.queries()));
  const { schema, of } = ROWS[list];
  const rows = wantedOf(of(managed), wanted);
  c.header("content-type", NDJSON);
  return c.body(writeRows(rows, (row) => schema.parse(row), failed));
}

async function* wantedOf<T>(rows: Rows<T>, wanted: (row: T) => boolean): AsyncGenerator<T> {
  // A rare row among 100,000 must not keep everything else waiting while it is looked for.
  let passed = 0;
  for await (const row of rows) {
    if (wanted(row)) yield row;
    else if (++passed % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function singleValues(queries: Record<string, string[]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(queries).map(([key, values]) => {
      if (values.length > 1)
        throw new ManagementError("invalid", `${JSON.stringify(key.slice(0, 40))} was given twice`);
      return [key, values[0] ?? ""];
    }),
  );
}

/** The JSON of a request; nothing stands for `{}`. @throws ManagementError `invalid` */
async function body<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await bodyText(c);
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new ManagementError("invalid", "the body of the request is no JSON", { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new ManagementError("invalid", `the request is not as it should be: ${details[0] ?? ""}`, {
    details,
  });
}

/** No more of it is read than may be. */
async function bodyText(c: Context): Promise<string> {
  const octets: Uint8Array[] = [];
  let size = 0;
  // A web stream is async iterable in Node; the types of the DOM do not say so.
  for await (const piece of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > LARGEST_BODY) {
      throw new ManagementError("too-large", `a request has at most ${LARGEST_BODY} octets`);
    }
    octets.push(piece);
  }
  return Buffer.concat(octets).toString("utf8");
}

async function target(managed: Managed, name: string): Promise<string> {
  const seen: string[] = [];
  for await (const it of managed.dialTargets()) {
    if (it.name === name) return name;
    seen.push(it.name);
  }
  const error = notFound("tunnel to dial", name, seen);
  throw new ManagementError("not-found", error.message, {
    remedy: "a tunnel without tid and ptid in the configuration can be dialled",
  });
}

function gone(what: string, name: string): never {
  throw new ManagementError("not-found", `${what} ${name} has just ended`);
}

function internal(error: unknown): ManagementError {
  const message = error instanceof Error ? error.message : String(error);
  return new ManagementError("internal", `l2tpd failed to answer: ${message}`, {
    remedy: "this is a fault of l2tpd; its log has more",
    cause: error,
  });
}

/** A path that another method has gets that said. */
function unknownPath(c: Context, app: Hono): ManagementError {
  const { path, method } = c.req;
  const shape = (template: string) => new RegExp(`^${template.replace(/:[^/]+/g, "[^/]+")}$`);
  const methods = new Set(
    app.routes
      .filter((route) => route.method !== "ALL" && shape(route.path).test(path))
      .map((route) => route.method),
  );
  if (methods.size > 0) {
    return new ManagementError("method-not-allowed", `${method} is not for ${path.slice(0, 100)}`, {
      remedy: `use ${[...methods].join(" or ")}`,
    });
  }
  return new ManagementError("not-found", `there is nothing at ${JSON.stringify(path.slice(0, 100))}`, {
    remedy: `this is version ${API_VERSION} of the interface: paths begin with /v${API_VERSION}/`,
  });
}
