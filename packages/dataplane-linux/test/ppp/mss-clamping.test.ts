/** What becomes of clamping where the kernel cannot, and when it can again. */
import { SyscallError } from "@l2tp/linux";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MssClamping, type OpenClamp } from "../../src/ppp/mss-clamping.ts";

const LIMITS = { ipv4: 1360, ipv6: 1340 };

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** A kernel that lacks nf_tables until it is told otherwise. */
function kernel() {
  const state = { can: false, asked: 0, set: [] as [number, unknown][], closed: 0 };
  const open: OpenClamp = async ({ name }) => {
    state.asked++;
    expect(name).toBe("l2tp-mss");
    if (!state.can) throw new SyscallError("netlink", 22, "NFT_MSG_GETTABLE");
    return {
      set: async (index, limits) => void state.set.push([index, limits]),
      close: async () => void state.closed++,
    };
  };
  return { state, open };
}

test("a kernel without nf_tables is told of once, with the module to load, and asked again later", async () => {
  const { state, open } = kernel();
  const clamping = new MssClamping(undefined, open);
  const told: string[] = [];
  const limit = (index: number) => clamping.limit(index, LIMITS, (why) => void told.push(why));
  await Promise.all([limit(1), limit(2)]);
  await limit(3);
  expect(told).toEqual([expect.stringMatching(/modprobe nf_tables/)]);
  expect(state.asked).toBe(1);
  // Somebody loads it.
  state.can = true;
  await limit(4);
  expect(state.set).toEqual([]);
  vi.advanceTimersByTime(31_000);
  await limit(5);
  expect(state.set).toEqual([[5, LIMITS]]);
  await limit(6);
  expect(state.asked).toBe(2);
  expect(told).toHaveLength(1);
  await clamping.close();
  expect(state.closed).toBe(1);
});

test("it ends with the last link, and begins again with the next one when that end is over", async () => {
  const { state, open } = kernel();
  state.can = true;
  const clamping = new MssClamping(undefined, open);
  const never = () => expect.unreachable();
  await Promise.all([clamping.limit(1, LIMITS, never), clamping.limit(2, LIMITS, never)]);
  await clamping.limit(1, undefined, never);
  expect([state.asked, state.closed]).toEqual([1, 0]);
  const ends = clamping.limit(2, undefined, never);
  // One that comes before the end has begun keeps it going, one that comes later opens another.
  await Promise.all([ends, clamping.limit(3, LIMITS, never)]);
  expect([state.asked, state.closed]).toEqual([1, 0]);
  await clamping.limit(3, undefined, never);
  expect([state.asked, state.closed]).toEqual([1, 1]);
  await clamping.limit(4, LIMITS, never);
  expect([state.asked, state.closed]).toEqual([2, 1]);
  await clamping.close();
  expect(state.closed).toBe(2);
});

test("what was never asked for opens nothing, and closing what could not be opened is no error", async () => {
  const { state, open } = kernel();
  await new MssClamping(undefined, open).close();
  expect(state.asked).toBe(0);
  const clamping = new MssClamping(undefined, open);
  await clamping.limit(1, LIMITS, () => {});
  vi.advanceTimersByTime(31_000);
  await clamping.limit(1, undefined, () => {});
  await clamping.close();
  expect([state.asked, state.closed]).toEqual([1, 0]);
});
