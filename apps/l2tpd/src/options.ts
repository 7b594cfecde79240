/** The options of the daemon, as they come from the command line; what is absent is the configuration's business. */
import type { LogLevel } from "@l2tp/node";
import type { LogFormat } from "./log-writer.ts";

export interface DaemonOptions {
  readonly config: string;
  readonly check: boolean;
  readonly dataPlane?: string;
  readonly logLevel?: LogLevel;
  readonly logFormat?: LogFormat;
  /** Seconds. */
  readonly stopTimeout?: number;
  readonly netns?: string;
  /** Of the management interface; `false`: none. */
  readonly socket?: string | boolean;
  /** A pcapng file for control messages. */
  readonly trace?: string;
  readonly traceSecrets?: boolean;
  readonly pidFile?: string;
  /** Not for people: end when standard input does, so that a parent's death is noticed. */
  readonly untilStdinEnds?: boolean;
}
