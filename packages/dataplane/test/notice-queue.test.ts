import { NoticeQueue, type PlaneNotice } from "@l2tp/dataplane";
import { expect, test } from "vitest";

const overrun = (count: number): PlaneNotice => ({ type: "overrun", count, where: "socket" });

async function all(queue: NoticeQueue): Promise<PlaneNotice[]> {
  const got: PlaneNotice[] = [];
  for await (const notice of queue) got.push(notice);
  return got;
}

test("notices come in order, those from before the reader too, and end with the queue", async () => {
  const queue = new NoticeQueue();
  queue.push(overrun(1));
  const reading = all(queue);
  await Promise.resolve();
  queue.push(overrun(2));
  queue.push(overrun(3));
  queue.end();
  queue.push(overrun(4));
  expect(await reading).toEqual([overrun(1), overrun(2), overrun(3)]);
  expect(await all(queue)).toEqual([]);
});

test("a reader that waits is woken by the end", async () => {
  const queue = new NoticeQueue();
  const reading = all(queue);
  await Promise.resolve();
  queue.end();
  expect(await reading).toEqual([]);
});

test("without a reader the newest are kept, and the reader is told how many were lost", async () => {
  const queue = new NoticeQueue();
  for (let n = 1; n <= 1_500; n++) queue.push(overrun(n));
  queue.end();
  const [told, ...rest] = await all(queue);
  expect(told).toMatchObject({ type: "overrun", where: "notices", count: 1_500 - rest.length });
  expect(rest.at(-1)).toEqual(overrun(1_500));
  expect(rest.length).toBeGreaterThan(1_000);
});

test("a reader that leaves lets the next one go on where it was", async () => {
  const queue = new NoticeQueue();
  for (const n of [1, 2, 3]) queue.push(overrun(n));
  for await (const notice of queue) {
    expect(notice).toEqual(overrun(1));
    break;
  }
  queue.end();
  expect(await all(queue)).toEqual([overrun(2), overrun(3)]);
});
