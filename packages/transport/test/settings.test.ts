/** Settings: presets as documented, limits with errors that help. */
import { expect, test } from "vitest";
import {
  FIELD_SETTINGS,
  fullRetransmissionIntervalMs,
  GO_L2TP_SETTINGS,
  RFC_SETTINGS,
  retransmissionWaitMs,
  TransportError,
  transportSettings,
} from "../src/index.ts";

test("go-l2tp's defaults: window 4, one second, three retries, no Hello, acknowledgement after 100 ms", () => {
  expect(GO_L2TP_SETTINGS).toMatchObject({
    windowSize: 4,
    retryTimeoutMs: 1_000,
    maxRetries: 3,
    helloTimeoutMs: 0,
    ackDelayMs: 100,
  });
});

test("the field's defaults: Hello after 60 s, 1 s doubling to 8 s, 5 tries in v2 and 10 in v3, window 16", () => {
  for (const version of [2, 3] as const) {
    expect(FIELD_SETTINGS[version]).toMatchObject({
      windowSize: 16,
      retryTimeoutMs: 1_000,
      retryTimeoutCapMs: 8_000,
      maxRetries: version === 2 ? 5 : 10,
      helloTimeoutMs: 60_000,
    });
  }
});

test("every preset is within the limits", () => {
  for (const preset of [GO_L2TP_SETTINGS, ...Object.values(RFC_SETTINGS), ...Object.values(FIELD_SETTINGS)]) {
    expect(transportSettings(preset)).toEqual(preset);
  }
});

test("windowSize sets the limit of what we send as well, unless that is given", () => {
  expect(transportSettings(GO_L2TP_SETTINGS, { windowSize: 9 })).toMatchObject({
    windowSize: 9,
    sendWindowLimit: 9,
  });
  expect(transportSettings(GO_L2TP_SETTINGS, { windowSize: 9, sendWindowLimit: 2 }).sendWindowLimit).toBe(2);
  expect(transportSettings(FIELD_SETTINGS[3], { maxRetries: 1 }).sendWindowLimit).toBe(16);
});

test.each([
  ["windowSize", 0],
  ["windowSize", 1.5],
  ["windowSize", 32_769],
  ["retryTimeoutMs", 0],
  ["retryTimeoutMs", Number.NaN],
  ["retryTimeoutCapMs", 7_999], // RFC 2661 §5.8: MUST be no less than 8 seconds
  ["maxRetries", -1],
  ["helloTimeoutMs", -5],
  ["helloJitter", 2],
  ["ackDelayMs", 501],
] as const)("%s %d is refused by name, with what is expected", (name, value) => {
  expect(() => transportSettings(FIELD_SETTINGS[3], { [name]: value })).toThrow(
    new RegExp(`^${name}: .* from \\d+ to \\d+ was expected, got ${value}$`),
  );
  expect(() => transportSettings(FIELD_SETTINGS[3], { [name]: value })).toThrow(TransportError);
});

test("a first wait longer than the cap is not shortened by it", () => {
  const slow = transportSettings(RFC_SETTINGS[2], { retryTimeoutMs: 20_000 });
  expect([1, 2, 3].map((sent) => retransmissionWaitMs(slow, sent))).toEqual([20_000, 20_000, 20_000]);
  expect(fullRetransmissionIntervalMs(slow)).toBe(120_000);
});
