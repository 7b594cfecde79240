import { Rules } from "@l2tp/access";
import { expect, test } from "vitest";
import {
  parseConfig,
  readSecrets,
  renderProblem,
  rulesOf,
  type SecretFile,
  secretText,
} from "../src/index.ts";

const document = `[listen.here]
local = "127.0.0.1:1701"
[peer.a]
secret_file = "/s/new"
old_secret_file = "/s/old"
[user.test]
password_file = "/s/test"
[user.plain]
password = "in the document"
[tunnel.t]
version = "l2tpv2"
peer = "192.0.2.1"
secret_file = "/s/new"
[tunnel.t.session.s]
user = "me"
password_file = "/s/me"
`;
const config = parseConfig(document, { file: "l2tpd.toml" });
const files: Record<string, SecretFile> = {
  "/s/new": { text: "opensesame\n", mode: 0o100600, uid: 0 },
  "/s/old": { text: "\ufeffsesame\r\nand a remark", mode: 0o100400, uid: 7 },
  "/s/test": { text: "test", mode: 0o100600, uid: 7 },
  "/s/me": { text: "  spaces count  \n", mode: 0o100600, uid: 7 },
};
const read = (changes: Record<string, SecretFile | Error> = {}, seen: string[] = []) =>
  readSecrets(config, {
    uid: 7,
    document,
    read(path) {
      seen.push(path);
      const file = changes[path] ?? files[path];
      if (file instanceof Error) throw file;
      if (file === undefined) throw new Error("ENOENT: no such file");
      return file;
    },
  });

test("each file is read once, its first line is the secret, and the rules get it", () => {
  const seen: string[] = [];
  const secrets = read({}, seen);
  expect(secrets.problems).toEqual([]);
  expect(seen).toEqual(["/s/new", "/s/old", "/s/test", "/s/me"]);
  const rules = rulesOf(config, secrets);
  expect(rules.peers?.[0]?.secrets).toEqual(["opensesame", "sesame"]);
  expect(rules.users?.map(({ password }) => password)).toEqual(["test", "in the document"]);
  expect(new Rules(rules).status()).toMatchObject({ peers: 1, users: 2 });
  const [tunnel] = config.tunnels;
  if (tunnel?.mode !== "dynamic") throw new Error("it is to be dynamic");
  const password = tunnel.sessions[0]?.user?.password;
  expect(password && secretText(password, secrets)).toBe("  spaces count  ");
});

test.each([
  [
    { "/s/new": { text: "opensesame", mode: 0o100640, uid: 7 } },
    "l2tpd.toml:4:15: peer.a.secret_file: /s/new: its group can get at it (mode 0640). Run: chmod 600 /s/new",
  ],
  [
    { "/s/test": { text: "test", mode: 0o100604, uid: 7 } },
    "l2tpd.toml:7:17: user.test.password_file: /s/test: everybody can get at it (mode 0604). Run: chmod 600 /s/test",
  ],
  [
    { "/s/old": { text: "sesame", mode: 0o100600, uid: 1000 } },
    "l2tpd.toml:5:19: peer.a.old_secret_file: /s/old: it belongs to user 1000, and the daemon runs as 7. Run: chown 7 /s/old",
  ],
  [
    { "/s/me": new Error("ENOENT: no such file or directory, open '/s/me'") },
    "l2tpd.toml:16:17: tunnel.t.session.s.password_file: /s/me: cannot be read: ENOENT: no such file or directory, open '/s/me'",
  ],
  [
    { "/s/me": { text: "\nhush", mode: 0o100600 } },
    "l2tpd.toml:16:17: tunnel.t.session.s.password_file: /s/me: its first line is empty, and should be the secret",
  ],
] as [Record<string, SecretFile | Error>, string][])(
  "a bad file is told with its place and remedy: %j",
  (changes, problem) => {
    const { problems, texts } = read(changes);
    expect(problems.map(renderProblem)).toEqual([problem]);
    expect(texts.size).toBe(3);
    expect(problem).not.toMatch(/opensesame|hush|spaces/);
  },
);

test("a secret whose file was not read is a fault of the program, not an empty secret", () => {
  expect(() => rulesOf(config)).toThrow("peer.a.secret_file: /s/new has not been read");
});
