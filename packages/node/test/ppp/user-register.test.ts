/** Who has a session, and who may have another. */
import { expect, test } from "vitest";
import { UserRegister, type UserSession } from "../../src/ppp/index.ts";

function session(label: string, replaced: string[] = []): UserSession {
  return { label, replaced: (by) => void replaced.push(`${label} by ${by}`) };
}

test("refuse names the session that stands in the way, and notes nothing", () => {
  const register = new UserRegister();
  const [one, two] = [session("t/1"), session("t/2")];
  expect(register.claim("alice", one, "refuse")).toBeUndefined();
  expect(register.claim("alice", two, "refuse")).toBe(one);
  expect(register.count("alice")).toBe(1);
  expect(register.claim("alice", one, "refuse")).toBeUndefined(); // itself does not stand in its way
  expect(register.claim("bob", two, "refuse")).toBeUndefined();
});

test("replace tells all others, and each may leave while it is told", () => {
  const register = new UserRegister();
  const replaced: string[] = [];
  const leaving = (label: string): UserSession => {
    const own: UserSession = {
      label,
      replaced: (by) => {
        replaced.push(`${label} by ${by}`);
        register.release("alice", own);
      },
    };
    return own;
  };
  register.claim("alice", leaving("t/1"), "no");
  register.claim("alice", leaving("t/2"), "no");
  expect(register.claim("alice", session("t/3"), "replace")).toBeUndefined();
  expect(replaced).toEqual(["t/1 by t/3", "t/2 by t/3"]);
  expect(register.count("alice")).toBe(1);
});

test("releases are idempotent, and a user without a session is forgotten", () => {
  const register = new UserRegister();
  const one = session("t/1");
  register.claim("alice", one, "no");
  register.release("alice", one);
  register.release("alice", one);
  register.release("nobody", one);
  expect([register.users, register.count("alice")]).toEqual([0, 0]);
});
