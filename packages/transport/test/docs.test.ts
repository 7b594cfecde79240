import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  FIELD_SETTINGS,
  GO_L2TP_SETTINGS,
  RFC_SETTINGS,
  retransmissionSchedule,
  type TransportSettings,
} from "../src/index.ts";

const page = readFileSync(new URL("../../../docs/reliable-delivery.md", import.meta.url), "utf8");
const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));

test("docs/reliable-delivery.md has every setting with the value of each preset", () => {
  const presets = [RFC_SETTINGS[2], RFC_SETTINGS[3], GO_L2TP_SETTINGS, FIELD_SETTINGS[2], FIELD_SETTINGS[3]];
  for (const name of Object.keys(GO_L2TP_SETTINGS) as (keyof TransportSettings)[]) {
    const row = rows.find(([, cell]) => cell?.startsWith(`\`${name}\``));
    expect([name, ...(row?.slice(3, 8) ?? [])]).toEqual([
      name,
      ...presets.map((preset) => String(preset[name])),
    ]);
  }
});

test("and its schedules are those that are computed", () => {
  for (const [label, settings] of [
    ["5 retries", RFC_SETTINGS[2]],
    ["10 retries", RFC_SETTINGS[3]],
    ["3 retries", GO_L2TP_SETTINGS],
  ] as const) {
    const { sentAtMs, giveUpMs } = retransmissionSchedule(settings);
    const row = rows.find(([, cell]) => cell?.startsWith(label));
    expect(row?.slice(2, 4)).toEqual([sentAtMs.map((ms) => ms / 1_000).join(", "), `${giveUpMs / 1_000} s`]);
  }
});
