/**
 * What client and server must agree on, besides the schemas.
 *
 * | method, path | answer |
 * |---|---|
 * | `GET /v1/status` | a status |
 * | `GET /v1/tunnels`, `/v1/closed-tunnels`, `/v1/sessions`, `/v1/closed-sessions`, `/v1/peers`, `/v1/pools`, `/v1/dial-targets` | one object to a line (NDJSON) |
 * | `GET /v1/tunnels/REF`, `/v1/sessions/REF` | one in detail |
 * | `DELETE /v1/tunnels/REF`, `/v1/sessions/REF` | `{}`: it ends |
 * | `POST /v1/dial-targets/NAME/dial`, `…/hang-up` | the target |
 * | `POST /v1/reload` | what has changed |
 * | `POST /v1/drain`, `DELETE /v1/drain` | how far it is |
 * | `PUT /v1/trace`, `PUT /v1/log-level` | the trace; `{}` |
 *
 * REF is a name or an ID, of a session `TUNNEL/SESSION` as well, percent-encoded as a whole. An error is
 * `{"error":{"code","message","remedy","details"}}`; in a list that has begun it is the last line.
 */
import * as z from "zod";

/** In the paths; a later version that breaks clients has another. */
export const API_VERSION = 1;

/** Header of every answer that says which API this is. */
export const API_HEADER = "l2tp-management";

/** Media type of lists. */
export const NDJSON = "application/x-ndjson";

/** How an error travels. */
export const errorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    remedy: z.string().optional(),
    details: z.array(z.string()).optional(),
  }),
});

/** The lists, and which filters each has. */
export const LISTS = {
  tunnels: ["name", "peer", "state"],
  "closed-tunnels": ["name", "peer"],
  sessions: ["name", "tunnel", "peer", "user", "state"],
  "closed-sessions": ["name", "tunnel", "peer", "user"],
  peers: ["peer"],
  pools: ["name"],
  "dial-targets": ["name", "state"],
} as const;

/** One of {@link LISTS}. */
export type ListName = keyof typeof LISTS;
