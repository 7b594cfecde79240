/**
 * This package may not import those that use what it makes, so it repeats their shapes and defaults. Here they are held
 * against each other: what comes out goes in as it is.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Rules } from "@l2tp/access";
import {
  DEFAULT_LIMITS,
  DEFAULT_TUNNEL,
  endpointSettings,
  type IncomingCallAvps,
  type IncomingConnectedAvps,
  type Limits,
  type OutgoingCallAvps,
  QUIRKS,
  type TunnelChanges,
  tunnelSettings,
} from "@l2tp/control";
import type { DynamicTunnelInit, ListenerInit, LnsTarget } from "@l2tp/node";
import { type AUTH_METHODS, type PppOptions, pppSettings } from "@l2tp/ppp";
import { SharedSecret } from "@l2tp/protocol";
import { FIELD_SETTINGS } from "@l2tp/transport";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type AuthMethodWord,
  type CallConfig,
  type Config,
  type DialConfig,
  type DynamicTunnelConfig,
  type LimitsConfig,
  type ListenerConfig,
  type PeerTargetConfig,
  type PppOptionsConfig,
  parseConfig,
  QUIRK_WORDS,
  rulesOf,
  type TunnelSettingsConfig,
} from "../src/index.ts";

test("types go into those of the packages that use them", () => {
  expectTypeOf<TunnelSettingsConfig>().toExtend<TunnelChanges>();
  expectTypeOf<LimitsConfig>().toExtend<Limits>();
  expectTypeOf<PppOptionsConfig>().toExtend<PppOptions>();
  expectTypeOf<ListenerConfig>().toExtend<ListenerInit>();
  expectTypeOf<PeerTargetConfig>().toExtend<LnsTarget>();
  expectTypeOf<DialConfig>().toExtend<NonNullable<DynamicTunnelInit["dial"]>>();
  type Incoming = Extract<CallConfig, { kind: "incoming" }>;
  expectTypeOf<Incoming["request"]>().toExtend<IncomingCallAvps>();
  expectTypeOf<Incoming["connected"]>().toExtend<Partial<IncomingConnectedAvps>>();
  expectTypeOf<Extract<CallConfig, { kind: "outgoing" }>["request"]>().toExtend<OutgoingCallAvps>();
  expectTypeOf<AuthMethodWord>().toEqualTypeOf<(typeof AUTH_METHODS)[number]>();
});

test("quirks that can be asked for are those of the control plane, but for what is only noted", () => {
  const askable = Object.entries(QUIRKS).filter(([, quirk]) => !("noted" in quirk));
  expect([...QUIRK_WORDS].sort()).toEqual(askable.map(([name]) => name).sort());
});

describe("a document that says nothing of them", () => {
  const config = parseConfig(
    '[tunnel.t]\nversion = "l2tpv2"\nmode = "dynamic"\npeer = "192.0.2.1"\n[tunnel.t.session.s]\n',
  );
  const [tunnel] = config.tunnels as [DynamicTunnelConfig];

  test("has the control plane's limits", () => {
    const { unverifiedRetries, ...limits } = config.limits;
    expect(limits).toEqual(DEFAULT_LIMITS);
    const { questionMs, intentMs, history } = config.daemon;
    expect(endpointSettings()).toMatchObject({
      unverifiedRetries,
      questionMs,
      intentMs,
      historyTunnels: history.tunnels,
      historySessions: history.sessions,
      historyMs: history.keepMs,
      messagesRemembered: history.messages,
    });
  });

  test("has the control plane's settings of a tunnel", () => {
    expect(tunnelSettings(DEFAULT_TUNNEL, tunnel.settings)).toEqual({
      ...DEFAULT_TUNNEL,
      transport: FIELD_SETTINGS[2],
    });
    expect(config.profiles.tunnel[0]?.settings).toEqual(tunnel.settings);
  });

  test("has PPP's settings, but a way to ask callers who they are, and the MRU of the path", () => {
    const {
      authenticatePeer,
      mru: _,
      mtu: __,
      ...rest
    } = pppSettings(config.profiles.ppp[0]?.options as PppOptions);
    const { authenticatePeer: ___, mru: ____, mtu: _____, ...usual } = pppSettings();
    expect(rest).toEqual(usual);
    expect(authenticatePeer).toEqual(pppSettings({ authenticatePeer: {} }).authenticatePeer);
  });

  test("asks nothing of whom we dial", () => {
    expect(pppSettings(tunnel.sessions[0]?.ppp?.options as PppOptions)).toEqual(pppSettings());
  });
});

const examples = new URL("../../../examples/", import.meta.url);

test.each(readdirSync(examples).filter((file) => file.endsWith(".toml")))(
  "what %s comes to passes the checks of the control plane, of PPP and of the rules",
  (file) => {
    const config: Config = parseConfig(readFileSync(new URL(file, examples), "utf8"), { file });
    expect(() => new Rules(rulesOf(config))).not.toThrow();
    expect(() => endpointSettings({ limits: config.limits })).not.toThrow();
    const secrets = [new SharedSecret("opensesame")];
    for (const { settings } of config.profiles.tunnel)
      tunnelSettings(DEFAULT_TUNNEL, { ...settings, secrets });
    for (const { options } of config.profiles.ppp) pppSettings(options);
    for (const tunnel of config.tunnels) {
      if (tunnel.mode !== "dynamic") continue;
      expect(
        tunnelSettings(DEFAULT_TUNNEL, { ...tunnel.settings, secrets }).transport.windowSize,
      ).toBeGreaterThan(0);
      for (const { ppp } of tunnel.sessions) if (ppp) pppSettings(ppp.options);
    }
  },
);

test("the most and the least that the document takes, the other packages take", () => {
  const text = (values: string): string =>
    `[tunnel.t]\nversion = "l2tpv2"\npeer = "192.0.2.1"\n${values}\n[limits]\ntunnels = 65535\nhalf_open = 1\n`;
  for (const values of [
    "window_size = 65535\nretry_timeout = 4294967295\nretry_timeout_max = 0\nmax_retries = 65535\nhello_timeout = 4294967295\nack_delay = 500\nhello_misses = 1000\nsend_window = 32768",
    "window_size = 1\nretry_timeout = 1\nretry_timeout_max = 1\nmax_retries = 1\nhello_timeout = 0\nack_delay = 0\nsend_window = 1",
  ]) {
    const config = parseConfig(text(values));
    const [tunnel] = config.tunnels as [DynamicTunnelConfig];
    expect(() => tunnelSettings(DEFAULT_TUNNEL, tunnel.settings)).not.toThrow();
    expect(() => endpointSettings({ limits: config.limits })).not.toThrow();
  }
});
