import { expect, test } from "vitest";
import { longTurns } from "../src/loop-watch.ts";

const turns = (count: number, ms: number) => Array.from({ length: count }, () => ms);

test.each([
  ["short turns are short, however many", turns(1000, 10), 10],
  ["a few that the host held up are the host's", [...turns(500, 10), ...turns(8, 150)], 10],
  ["one turn that does everything at once is what it is", [...turns(500, 0.1), 400], 400],
  ["so is one that does most of it", [...turns(100, 1), 400], 400],
  ["work that is done in long turns, beside much idling", [...turns(900, 0.2), ...turns(10, 120)], 120],
  ["nothing", [], 0],
])("%s", (_, ran, longest) => {
  expect(longTurns(ran, 0.75)).toBe(longest);
});
