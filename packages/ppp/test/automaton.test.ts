import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACTIONS, AUTOMATON, automatonMarkdown, EVENTS, type Event, STATES, TIMED } from "../src/index.ts";

interface Row {
  event: Event;
  stateName: (typeof STATES)[number];
  actions: string[];
  nextName: string | null;
}
const rows = JSON.parse(readFileSync(new URL("./vectors/automaton.json", import.meta.url), "utf8")) as Row[];

test("the table is that of RFC 1661 §4.1, as another program read it out of the text: 16 events in 10 states", () => {
  expect(rows).toHaveLength(Object.keys(EVENTS).length * STATES.length);
  for (const { event, stateName, actions, nextName } of rows) {
    const cell = AUTOMATON[event][stateName];
    expect(cell, `${event} in ${stateName}`).toEqual(
      nextName === null ? undefined : { actions, next: nextName },
    );
  }
});

test("every state is reached and can be left for Initial, every action is used, and timers start where they run", () => {
  const reachable = new Set<string>(["Initial"]);
  for (let before = 0; before < reachable.size; ) {
    before = reachable.size;
    for (const event of Object.keys(EVENTS) as Event[]) {
      for (const state of STATES)
        if (reachable.has(state)) reachable.add(AUTOMATON[event][state]?.next ?? state);
    }
  }
  expect([...reachable].sort()).toEqual([...STATES].sort());
  const cells = (Object.keys(EVENTS) as Event[]).flatMap((event) =>
    STATES.map((state) => ({ state, cell: AUTOMATON[event][state] })),
  );
  expect([...new Set(cells.flatMap(({ cell }) => cell?.actions ?? []))].sort()).toEqual(
    Object.keys(ACTIONS).sort(),
  );
  for (const { state, cell } of cells) {
    if (cell === undefined || TIMED[state] || !TIMED[cell.next]) continue;
    expect(
      cell.actions.some((action) => ["scr", "str", "zrc"].includes(action)),
      `${state} to ${cell.next}`,
    ).toBe(true);
  }
});

const page = new URL("../../../docs/ppp.md", import.meta.url);

test("the page shows the table as the code has it", () => {
  expect(existsSync(page)).toBe(true);
  expect(readFileSync(page, "utf8")).toContain(automatonMarkdown());
});
