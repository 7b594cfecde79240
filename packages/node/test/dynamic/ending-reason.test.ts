/** A call that ends while PPP is at its good-byes: which of CDN and PPP's own end was first, makes no difference to people. */
import type { Ending } from "@l2tp/control";
import { expect, test } from "vitest";
import { type PppAtEnd, reasonOfCallsEnd, reasonOfPpp } from "../../src/dynamic/ending-reason.ts";
import { HUNG_UP, Told } from "../../src/reason.ts";

/** What l2tpns says, in one breath with its CHAP Failure: nothing of PPP (RFC 3145). */
const CDN: Ending = {
  by: "peer",
  cause: "peer-close",
  message: "CDN",
  result: 3,
  tryAnother: false,
  remedy: "the peer's administrator knows why",
};
/** Our own PPP has got the CHAP Failure, and its Terminate-Request is not answered yet. */
const REFUSED = {
  code: "authentication-refused",
  text: "the peer did not accept who we are",
  disconnect: { code: 16, protocol: 0xc223, direction: 2, text: "the peer did not accept who we are" },
} as const;
const TERMINATED = {
  code: "peer-terminated",
  text: "the peer terminated the link",
  disconnect: { code: 2, protocol: 0, direction: 1, text: "" },
} as const;

const atEnd = (terminating: PppAtEnd["trouble"] & object): PppAtEnd => ({
  trouble: terminating,
  proving: undefined,
});
const before = reasonOfCallsEnd(CDN, { trouble: undefined, proving: "we" });
const between = reasonOfCallsEnd(CDN, atEnd({ refusal: undefined, terminating: REFUSED }));
const after = reasonOfPpp(REFUSED);

test("a CDN among PPP's good-byes has the reason and the remedy that PPP would have had", () => {
  expect(between).toEqual(after);
  expect(between.remedy).toMatch(/compare user and password/);
});

test.each([
  [before, between, after],
  [between, before, after],
  [after, before, between],
])("it is told once, in whatever order the tries bring it", (...tries) => {
  const told = new Told();
  expect(tries.map((why) => told.isNews(why))).toEqual([true, false, false]);
});

test("a peer that terminates the link and hangs up has hung up", () => {
  const why = reasonOfCallsEnd(CDN, atEnd({ refusal: undefined, terminating: TERMINATED }));
  expect(why).toMatchObject({ code: "ppp", text: "PPP ended: the peer terminated the link", kind: HUNG_UP });
});

test.each([
  [true, /pools.*ranges/],
  [false, /user and password/],
])(
  "whom we refused and who then hangs up: the remedy is for what was refused (an address: %j)",
  (isAddress, remedy) => {
    const refusal = { reason: "user anna: nothing is free in pool dsl", isAddress };
    const why = reasonOfCallsEnd(CDN, atEnd({ refusal, terminating: undefined }));
    expect(why.text).toBe("PPP ended: user anna: nothing is free in pool dsl");
    expect(why.remedy).toMatch(remedy);
  },
);

test("an end for want of an address says where to look", () => {
  const disconnect = { code: 20, protocol: 0x8021, direction: 2, text: "no address available" } as const;
  const why = reasonOfPpp({ code: "no-address", text: "user anna: nothing is free in pool dsl", disconnect });
  expect(why.remedy).toMatch(/l2tpctl pools/);
});
