/**
 * `@l2tp/config`: TOML text to a typed configuration, with exact errors; the keys' declarations; the steps of a
 * reload. It reads no files and touches nothing.
 */
export { documentText } from "./document-text.ts";
export { explain } from "./explain.ts";
export type { ExtensionOf, Extensions, NoExtension, Shape } from "./extensions.ts";
export { DAEMON_KEYS, HOOK_KEYS, ROOT_KEYS } from "./keys/daemon.ts";
export { declarationOf, expectation, type KeyDeclaration } from "./keys/declare.ts";
export { LIMIT_KEYS } from "./keys/limits.ts";
export { CALL_KEYS, LISTEN_KEYS, PEER_KEYS } from "./keys/peer.ts";
export { PPP_KEYS } from "./keys/ppp.ts";
export { QUIRK_WORDS, type QuirkWord } from "./keys/quirks.ts";
export { SESSION_KEYS, SESSION_PROFILE_KEYS } from "./keys/session.ts";
export { TUNNEL_KEYS, TUNNEL_PROFILE_KEYS } from "./keys/tunnel.ts";
export { NAME_KEYS, POOL_KEYS, USER_KEYS } from "./keys/user.ts";
export { type Checked, type ConfigOf, checkConfig, type ParseOptions, parseConfig } from "./parse.ts";
export { plan, type RuleChange, type SessionChange, type Step } from "./plan.ts";
export { poolRoutes } from "./pool-routes.ts";
export {
  ConfigError,
  type ConfigProblem,
  type KeyPath,
  type ProblemCode,
  renderPath,
  renderProblem,
} from "./problem.ts";
export { rulesOf } from "./rules-of.ts";
export { configJsonSchema, KEY_TABLES, type KeyTable } from "./schema.ts";
export {
  readSecrets,
  type SecretFile,
  type SecretReading,
  type Secrets,
  secretsOf,
  secretText,
} from "./secrets.ts";
export type {
  AuthMethodWord,
  CallConfig,
  CallRuleConfig,
  Config,
  ConfiguredSessionConfig,
  ConfiguredTunnelConfig,
  DaemonConfig,
  DefaultsProfile,
  DialConfig,
  DrainConfig,
  DynamicSessionConfig,
  DynamicTunnelConfig,
  HistoryConfig,
  HookConfig,
  HooksConfig,
  InterfaceAddressConfig,
  InterfaceConfig,
  LimitsConfig,
  ListenerConfig,
  MtuConfig,
  Origin,
  Origins,
  PeerConfig,
  PeerTargetConfig,
  PoolConfig,
  PppAttachmentConfig,
  PppOptionsConfig,
  PppoeConfig,
  PppProfileConfig,
  PppUserConfig,
  ProfilesConfig,
  SecretSource,
  SessionConfig,
  SessionProfileConfig,
  TraceConfig,
  TransportConfig,
  TunnelConfig,
  TunnelProfileConfig,
  TunnelSettingsConfig,
  UserConfig,
} from "./types.ts";
