/**
 * Structured, levelled logging through an interface that a user's own logger has already: `pino()` and
 * `console` both fit. Nothing is logged unless a logger is given. No secret and no payload is ever in a record.
 */

/** What a record says in a form for machines: `tunnel`, `session`, `code` and the like. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes records by level; must not throw. */
export interface Logger {
  /** Something that needs a person. */
  error(fields: LogFields, message: string): void;
  /** Something that does not work now, and is tried again. */
  warn(fields: LogFields, message: string): void;
  /** A change of state: up, down. */
  info(fields: LogFields, message: string): void;
  /** What helps to find out why: each try, each ignored message. */
  debug(fields: LogFields, message: string): void;
}

/** The levels, most important first. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

/** The name of a level. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const nothing = (): void => {};

/** Says nothing: what a context has unless it is given a logger. */
export const silentLogger: Logger = { error: nothing, warn: nothing, info: nothing, debug: nothing };

/** A logger that adds `fields` to each record, such as the name of a tunnel. */
export function withFields(logger: Logger, fields: LogFields): Logger {
  return {
    error: (more, message) => logger.error(Object.assign({}, fields, more), message),
    warn: (more, message) => logger.warn(Object.assign({}, fields, more), message),
    info: (more, message) => logger.info(Object.assign({}, fields, more), message),
    debug: (more, message) => logger.debug(Object.assign({}, fields, more), message),
  };
}
