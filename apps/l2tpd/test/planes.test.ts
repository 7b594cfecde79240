import { type Config, parseConfig } from "@l2tp/config";
import { type DataPlaneCapabilities, PlaneError } from "@l2tp/dataplane";
import { MockDataPlane, MockNetwork, realTime } from "@l2tp/dataplane-mock";
import { afterEach, expect, test, vi } from "vitest";
import { checkMachine } from "../src/demo/privilege.ts";
import { enterNetworkNamespace } from "../src/namespace.ts";
import { choosePlane, PLANE_CHOICES, type PlaneEntry, type Registry, remedyFor } from "../src/planes.ts";

afterEach(() => void vi.unstubAllGlobals());

function pretendToBe(platform: NodeJS.Platform): void {
  vi.stubGlobal("process", Object.create(process, { platform: { value: platform } }));
}

const failure = (exitCode: number, message: RegExp) =>
  expect.objectContaining({ exitCode, message: expect.stringMatching(message) });

/** A document with one tunnel, whose session says this. */
function documentWith(session: string, tunnel = ""): Config {
  return parseConfig(
    [
      "[tunnel.t]",
      'peer = "192.0.2.2:1701"',
      "tid = 1",
      "ptid = 2",
      'mode = "static"',
      tunnel,
      "[tunnel.t.session.s]",
      "sid = 1",
      "psid = 2",
      session,
    ].join("\n"),
    { file: "test.toml" },
  );
}

const KERNEL: DataPlaneCapabilities = {
  versions: [2, 3],
  encapsulations: ["udp", "ip"],
  families: [4, 6],
  pseudowires: ["eth", "ppp", "pppac"],
  interfaces: true,
  pppd: "plugin",
  pppLink: ["interface"],
};
const OUR_OWN: DataPlaneCapabilities = { ...KERNEL, versions: [3], pseudowires: ["eth"] };

/** What the last choice left open. */
const alive = new Set<string>();

class Stand extends MockDataPlane {
  readonly #name: string;
  override readonly capabilities: DataPlaneCapabilities;

  constructor(name: string, capabilities: DataPlaneCapabilities) {
    super(new MockNetwork({ scheduler: realTime() }).host(name));
    this.#name = name;
    this.capabilities = capabilities;
    alive.add(name);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    alive.delete(this.#name);
    await super[Symbol.asyncDispose]();
  }
}

/** A machine where these work, with stand-ins that carry nothing. */
function machine({ kernel = true, own = true, ownCan = OUR_OWN } = {}): Registry {
  alive.clear();
  const entry = (
    name: string,
    works: boolean,
    capabilities: DataPlaneCapabilities,
    clamps: boolean,
  ): PlaneEntry => ({
    summary: name,
    clampsMss: clamps,
    limitsRates: clamps,
    setsDontFragment: clamps,
    obstacle: () => undefined,
    load: async () => {
      if (!works) throw new PlaneError("module-missing", `${name} is missing: "modprobe it"`);
      return new Stand(name, capabilities);
    },
  });
  return {
    linux: entry("linux", kernel, KERNEL, false),
    userspace: entry("userspace", own, ownCan, true),
    null: entry("null", true, KERNEL, true),
    mock: entry("mock", true, KERNEL, true),
  };
}

const PLAIN = documentWith("");

test.each(["darwin", "win32"] as const)(
  "on %s what needs Linux says so, and null and the mock work",
  async (platform) => {
    pretendToBe(platform);
    await expect(choosePlane("auto", PLAIN)).rejects.toThrow(
      failure(69, new RegExp(`needs Linux, and this is ${platform}.*--data-plane null`)),
    );
    for (const name of ["linux", "userspace"]) {
      await expect(choosePlane(name, PLAIN)).rejects.toThrow(
        failure(69, new RegExp(`the ${name} data plane cannot work here`)),
      );
    }
    for (const name of ["null", "mock"]) {
      const { plane, ...choice } = await choosePlane(name, PLAIN);
      await plane[Symbol.asyncDispose]();
      expect(choice).toMatchObject({ name, why: "asked for", lacks: [] });
    }
    expect(() => checkMachine()).toThrow(failure(69, new RegExp(`needs Linux .* and this is ${platform}`)));
    await expect(enterNetworkNamespace("/run/netns/x")).rejects.toThrow(failure(69, /need Linux/));
  },
);

test("the choices, and what is none of them", async () => {
  expect(PLANE_CHOICES).toEqual(["auto", "linux", "userspace", "null", "mock"]);
  await expect(choosePlane("carrier-pigeon", PLAIN)).rejects.toThrow(
    failure(69, /no data plane carrier-pigeon; it has linux, userspace, null, mock/),
  );
});

test("auto takes the kernel's where it works, and only that is left open", async () => {
  expect(await choosePlane("auto", PLAIN, machine())).toMatchObject({
    name: "linux",
    why: "the first choice of auto",
    lacks: [],
  });
  expect([...alive]).toEqual(["linux"]);
});

test("auto takes our own where the kernel's does not work, and says why, with what to do", async () => {
  expect(await choosePlane("auto", PLAIN, machine({ kernel: false }))).toMatchObject({
    name: "userspace",
    why: 'chosen by auto: linux does not work here: linux is missing: "modprobe it"',
  });
  await expect(choosePlane("linux", PLAIN, machine({ kernel: false }))).rejects.toThrow(
    expect.objectContaining({ code: "module-missing", message: expect.stringContaining("modprobe") }),
  );
});

test("auto never takes the mock", async () => {
  await expect(choosePlane("auto", PLAIN, machine({ kernel: false, own: false }))).rejects.toThrow(
    failure(69, /no data plane works on this machine \(linux .*; userspace .*\)/),
  );
});

test.each(["clamp_mss = true", "clamp_mss = 1300", 'dont_fragment = "set"'])(
  "auto takes our own for %s, which the kernel does not do, and says so",
  async (key) => {
    const choice = await choosePlane("auto", documentWith(key), machine());
    expect(choice).toMatchObject({ name: "userspace", lacks: [] });
    expect(choice.why).toMatch(
      new RegExp(`linux lacks what .* needs: session s of tunnel t: ${key.split(" ")[0]}`),
    );
    expect([...alive]).toEqual(["userspace"]);
    const kernel = await choosePlane("auto", documentWith(key), machine({ own: false }));
    expect(kernel).toMatchObject({ name: "linux", lacks: [{ what: expect.stringContaining("session s") }] });
    for (const lack of kernel.lacks) expect(remedyFor(lack, "linux")).toContain("--data-plane userspace");
  },
);

test.each([
  ["a PPP session", documentWith('pseudowire = "ppp"'), /session s of tunnel t: pseudowire = "ppp"/],
  ["L2TPv2", documentWith("", 'version = "l2tpv2"\nencap = "udp"'), /tunnel t: L2TPv2/],
])("%s is the kernel's; without it what is left out is said", async (_, config, what) => {
  expect(await choosePlane("auto", config, machine())).toMatchObject({ name: "linux", lacks: [] });
  const choice = await choosePlane("auto", config, machine({ kernel: false }));
  expect(choice).toMatchObject({
    name: "userspace",
    lacks: [{ what: expect.stringMatching(what), effect: "left out" }],
  });
});

test("of two data planes that both lack something, auto takes the one that runs more, and then the kernel's", async () => {
  const session = (name: string, id: number, key: string) =>
    `[tunnel.t.session.${name}]\nsid = ${id}\npsid = ${id}\n${key}`;
  const ppp = (n: number) => session(`p${n}`, 10 + n, 'pseudowire = "ppp"');
  const clamped = (n: number) => session(`c${n}`, 20 + n, "clamp_mss = true");
  const config = (...sessions: string[]) => documentWith(["", ...sessions].join("\n"));
  expect(await choosePlane("auto", config(ppp(1), clamped(1)), machine())).toMatchObject({ name: "linux" });
  expect(await choosePlane("auto", config(ppp(1), clamped(1), clamped(2)), machine())).toMatchObject({
    name: "userspace",
    why: expect.stringContaining("(and 1 more)"),
    lacks: [{ what: 'session p1 of tunnel t: pseudowire = "ppp"' }],
  });
});

/** An LNS, and a LAC that dials one; PPP profiles that nobody is given do not matter. */
const pppDocument = (lns: string, lac = "", user = ""): Config =>
  parseConfig(
    `
[listen.l]
local = "127.0.0.1:1701"
[peer.anyone]
ppp_profile = "subscribers"
[user.test]
password = "test"
${user}
[pool.p]
ranges = ["10.0.0.0/24"]
local = "10.0.0.1"
[profile.ppp.subscribers]
pool = "p"
${lns}
[tunnel.out]
version = "l2tpv2"
peer = "192.0.2.1"
ppp_profile = "caller"
[tunnel.out.session.call]
pseudowire = "ppp"
user = "me"
password = "me"
[profile.ppp.caller]
${lac}
`,
    { file: "test.toml" },
  );

test.each([
  [
    pppDocument("to_peer_rate = 1000000"),
    "sessions of [profile.ppp.subscribers] on listener l: to_peer_rate",
  ],
  [pppDocument("", "", "from_peer_rate = 1000000"), "sessions of user test on listener l: from_peer_rate"],
  [pppDocument("", "from_peer_rate = 1000000"), "session call of tunnel out: from_peer_rate"],
  [
    pppDocument('attach = "shared"'),
    'sessions of [profile.ppp.subscribers] on listener l: attach = "shared"',
  ],
  [pppDocument("", 'attach = "program"'), 'session call of tunnel out: attach = "program"'],
])("PPP that the kernel cannot do is our own's, and auto says why: %#", async (config, what) => {
  const ownCan: DataPlaneCapabilities = { ...KERNEL, pppLink: ["interface", "shared", "program"] };
  const lacks = [{ what, effect: "left out" }];
  const chosen = await choosePlane("auto", config, machine({ ownCan }));
  expect(chosen).toMatchObject({ name: "userspace", lacks: [] });
  expect(chosen.why).toBe(`chosen by auto: linux lacks what the configuration needs: ${what}`);
  const kernel = await choosePlane("linux", config, machine({ ownCan }));
  expect(kernel).toMatchObject({ name: "linux", lacks });
  expect(kernel.lacks.map((lack) => remedyFor(lack, "linux"))).toEqual([
    `${what} cannot be on the linux data plane; --data-plane userspace may do better`,
  ]);
});

test("PPP that both can do is the kernel's, whatever a profile says that nobody is given", async () => {
  const ownCan: DataPlaneCapabilities = { ...KERNEL, pppLink: ["interface", "shared", "program"] };
  const unused = '\n[profile.ppp.unused]\nattach = "shared"\nto_peer_rate = 1000';
  for (const lac of ['attach = "interface"', unused]) {
    const choice = await choosePlane("auto", pppDocument("", lac), machine({ ownCan }));
    expect(choice).toMatchObject({ name: "linux", lacks: [] });
  }
});
