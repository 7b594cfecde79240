/**
 * `@l2tp/config`: TOML text to a typed configuration, with exact errors; the keys' declarations; the steps of a
 * reload. It reads no files and touches nothing.
 */
export { explain } from "./explain.ts";
export type { ExtensionOf, Extensions, NoExtension, Shape } from "./extensions.ts";
export { DAEMON_KEYS, ROOT_KEYS } from "./keys/daemon.ts";
export { declarationOf, expectation, type KeyDeclaration } from "./keys/declare.ts";
export { SESSION_KEYS } from "./keys/session.ts";
export { TUNNEL_KEYS } from "./keys/tunnel.ts";
export { type Checked, type ConfigOf, checkConfig, type ParseOptions, parseConfig } from "./parse.ts";
export { plan, type SessionChange, type Step } from "./plan.ts";
export {
  ConfigError,
  type ConfigProblem,
  type KeyPath,
  type ProblemCode,
  renderPath,
  renderProblem,
} from "./problem.ts";
export { configJsonSchema, KEY_TABLES, type KeyTable } from "./schema.ts";
export type {
  Config,
  ConfiguredSessionConfig,
  ConfiguredTunnelConfig,
  DaemonConfig,
  DefaultsProfile,
  DynamicSessionConfig,
  DynamicTunnelConfig,
  InterfaceAddressConfig,
  InterfaceConfig,
  MtuConfig,
  Origin,
  Origins,
  PppoeConfig,
  SessionConfig,
  TransportConfig,
  TunnelConfig,
} from "./types.ts";
