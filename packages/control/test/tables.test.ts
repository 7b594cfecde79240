import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CALLS, CONTROL_CONNECTION, type Machine, step } from "../src/index.ts";

interface Row {
  readonly machine: string;
  readonly state: string;
  readonly event: string;
  readonly actions: readonly string[];
  readonly next: string;
}
const vectors = JSON.parse(
  readFileSync(new URL("./vectors/state-machines.json", import.meta.url), "utf8"),
) as { machines: { name: string; states: string[]; initial: string }[]; rows: Row[] };

const machines = [CONTROL_CONNECTION, ...Object.values(CALLS)] as unknown as Machine<
  string,
  string,
  string
>[];

describe.each(machines.map((machine) => [machine.name, machine] as const))("%s", (name, machine) => {
  test("has the states of the RFC, and begins where it begins", () => {
    const expected = vectors.machines.find((one) => one.name === name);
    expect(machine.states).toEqual(expected?.states);
    expect(machine.initial).toBe(expected?.initial);
  });

  test("has the rows of the RFC's table, each with its actions and next state, and no other", () => {
    const rows = machine.states.flatMap((state) =>
      Object.entries(machine.rfc[state] ?? {}).map(([event, cell]) => ({
        machine: name,
        state,
        event,
        actions: [...(cell as [string[], string])[0]],
        next: (cell as [string[], string])[1],
      })),
    );
    const key = (row: Row): string => `${row.state} ${row.event}`;
    const sorted = (all: readonly Row[]): Row[] => [...all].sort((a, b) => key(a).localeCompare(key(b)));
    expect(sorted(rows)).toEqual(sorted(vectors.rows.filter((row) => row.machine === name)));
  });

  test("answers every event in every state with actions and a state of its own", () => {
    for (const state of machine.states) {
      for (const event of machine.events) {
        const [actions, next] = step(machine, state, event);
        expect(machine.states).toContain(next);
        expect(Array.isArray(actions)).toBe(true);
      }
    }
  });

  test("reaches every state from its beginning, and idle from every state", () => {
    const reachable = (from: string): Set<string> => {
      const seen = new Set([from]);
      for (const state of seen) {
        for (const event of machine.events) seen.add(step(machine, state, event)[1]);
      }
      return seen;
    };
    expect([...reachable(machine.initial)].sort()).toEqual([...machine.states].sort());
    for (const state of machine.states) expect(reachable(state)).toContain("idle");
  });

  test("cleans up whenever it returns to idle, and only then", () => {
    for (const state of machine.states) {
      for (const event of machine.events) {
        const [actions, next] = step(machine, state, event);
        expect([state, event, actions.includes("clean-up")]).toEqual([state, event, next === "idle"]);
      }
    }
  });
});
