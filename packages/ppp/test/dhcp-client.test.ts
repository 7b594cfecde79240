/** The DHCPv6 client before servers that leave things out, know nothing any more, and say how patient it shall be (RFC 8415). */
import { describe, expect, test } from "vitest";
import { DhcpClient, type DhcpClientSettings, type DhcpEvent, parseIpv6 } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";
import { octets, rng } from "./pair.ts";

const HOST = hex("0000 0000 0000 0002");
const CLIENT = "0004 11111111111111111111111111111111";
const SERVER = "0004 22222222222222222222222222222222";
const T = {
  solicit: 1,
  advertise: 2,
  request: 3,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  information: 11,
};
const STATUS = { noAddress: 2, noBinding: 3, notOnLink: 4 };
/** What there is to lease. */
const ADDRESS = "2001:db8::5";
const OTHER = "2001:db8::6";
const PREFIX = "2001:db8:100::/56";

const number = (value: number, octets: number) => value.toString(16).padStart(2 * octets, "0");
const option = (code: number, value: string) => {
  const text = value.replaceAll(" ", "");
  return `${number(code, 2)}${number(text.length / 2, 2)}${text}`;
};
const status = (code: number) => option(13, number(code, 2));

/** An association as a server writes it. */
interface Given {
  readonly t1?: number;
  readonly t2?: number;
  readonly status?: number;
}
function lease(what: string, preferred: number, valid: number): string {
  const [address = "", length] = what.split("/");
  const where = toHex(parseIpv6(address) as Uint8Array);
  const times = number(preferred, 4) + number(valid, 4);
  return length === undefined
    ? option(5, where + times)
    : option(26, times + number(Number(length), 1) + where);
}
const association = (
  code: number,
  leases: readonly string[],
  { t1 = 100, t2 = 160, status: why }: Given = {},
) =>
  option(
    code,
    number(1, 4) + number(t1, 4) + number(t2, 4) + leases.join("") + (why === undefined ? "" : status(why)),
  );
const iaNa = (leases: readonly string[], given?: Given) => association(3, leases, given);
const iaPd = (leases: readonly string[], given?: Given) => association(25, leases, given);

/** What a client sent. */
interface Sent {
  readonly at: number;
  readonly type: number;
  readonly transaction: string;
  /** Values of options, by code. */
  readonly options: ReadonlyMap<number, string>;
}

/** One client, and its clock. */
class Line {
  now = 0;
  readonly sent: Sent[] = [];
  readonly events: DhcpEvent[] = [];
  readonly client: DhcpClient;

  constructor(settings: Partial<DhcpClientSettings> = {}, seed = 7) {
    this.client = new DhcpClient({ identifier: HOST, duid: hex(CLIENT), ...settings }, octets(rng(seed)));
    this.client.start(0);
    this.#drain();
  }

  #drain(): void {
    for (let packet = this.client.pollTransmit(); packet; packet = this.client.pollTransmit()) {
      const data = packet.subarray(48);
      const options = new Map<number, string>();
      for (let at = 4; at < data.length; ) {
        const [code, length] = [16, 16].map(
          (_, i) => ((data[at + 2 * i] as number) << 8) | (data[at + 2 * i + 1] as number),
        );
        options.set(code as number, toHex(data.subarray(at + 4, at + 4 + (length as number))));
        at += 4 + (length as number);
      }
      this.sent.push({
        at: this.now,
        type: data[0] as number,
        transaction: toHex(data.subarray(1, 4)),
        options,
      });
    }
    for (let event = this.client.pollEvent(); event; event = this.client.pollEvent()) this.events.push(event);
  }

  get last(): Sent {
    return this.sent.at(-1) as Sent;
  }

  /** A server's answer to what was sent last. */
  answer(type: number, ...options: readonly string[]): this {
    const data = hex(
      number(type, 1) + this.last.transaction + option(1, CLIENT) + option(2, SERVER) + options.join(""),
    );
    const udp = hex(`0223 0222 ${number(8 + data.length, 2)} 0000 ${toHex(data)}`);
    const [from, to] = ["fe800000000000000000000000000001", "fe800000000000000000000000000002"];
    const pseudo = hex(`${from}${to}${number(udp.length, 4)}00000011${toHex(udp)}00`);
    let sum = 0;
    for (let i = 0; i + 1 < pseudo.length; i += 2)
      sum += ((pseudo[i] as number) << 8) | (pseudo[i + 1] as number);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    udp.set([(sum ^ 0xffff) >> 8, (sum ^ 0xffff) & 255], 6);
    this.client.receive(this.now, hex(`60000000 ${number(udp.length, 2)} 11 40 ${from} ${to} ${toHex(udp)}`));
    this.#drain();
    return this;
  }

  /** Runs until then. @returns what was sent on the way. */
  until(end: number): Sent[] {
    const before = this.sent.length;
    for (
      let due = this.client.pollTimeout();
      due !== undefined && due <= end;
      due = this.client.pollTimeout()
    ) {
      this.now = Math.max(this.now, due);
      this.client.handleTimeout(this.now);
      this.#drain();
    }
    this.now = end;
    return this.sent.slice(before);
  }

  /** Leases what there is: for 200 s, to be renewed after 100 and asked of anybody after 160. */
  bound(): this {
    this.answer(T.advertise, iaNa([lease(ADDRESS, 200, 200)]), iaPd([lease(PREFIX, 200, 200)]));
    this.answer(T.reply, iaNa([lease(ADDRESS, 200, 200)]), iaPd([lease(PREFIX, 200, 200)]));
    expect(this.held()).toEqual([ADDRESS, PREFIX]);
    return this;
  }

  held(): string[] {
    const { addresses, prefixes } = this.client.leases;
    return [...addresses, ...prefixes].map(({ what }) => what);
  }
}

describe("what a Reply leaves out (RFC 8415 §18.2.10.1)", () => {
  test("an association: its lease is kept with the time it has, asked for on, of anybody at T2, and lost at its end", () => {
    const line = new Line().bound();
    expect(line.until(100_000).map(({ type }) => type)).toEqual([T.renew]);
    line.answer(T.reply, iaNa([lease(ADDRESS, 1000, 1000)], { t1: 500, t2: 800 }));
    expect(line.events.at(-1)).toEqual({
      type: "leased",
      leases: {
        addresses: [{ what: ADDRESS, preferredS: 1000, validS: 1000 }],
        prefixes: [{ what: PREFIX, preferredS: 100, validS: 100 }],
        dns: [],
      },
    });
    // As if no answer had come: not at once, and ever more slowly.
    const asked = line.until(160_000 - 1);
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked.map(({ type }) => type))).toEqual(new Set([T.renew]));
    expect((asked[0] as Sent).at).toBeGreaterThanOrEqual(110_000);
    for (const { options } of asked) expect(options.get(25)).toContain(toHex(hex("20010db80100")));
    const anybody = line.until(200_000 - 1);
    expect(new Set(anybody.map(({ type }) => type))).toEqual(new Set([T.rebind]));
    expect((anybody[0] as Sent).at).toBe(160_000);
    line.until(200_000);
    expect(line.held()).toEqual([ADDRESS]);
    expect(line.events.at(-1)).toMatchObject({ type: "leased", leases: { prefixes: [] } });
    // The other is renewed when it is due, and not before.
    expect(line.until(600_000 - 1)).toEqual([]);
    expect(line.until(600_000).map(({ type }) => type)).toEqual([T.renew]);
  });

  test("an association that a later answer has is whole again", () => {
    const line = new Line().bound();
    line.until(100_000);
    line.answer(T.reply, iaNa([lease(ADDRESS, 1000, 1000)], { t1: 500, t2: 800 }));
    line.until(115_000);
    line.answer(
      T.reply,
      iaNa([lease(ADDRESS, 1000, 1000)], { t1: 500, t2: 800 }),
      iaPd([lease(PREFIX, 900, 900)], { t1: 400, t2: 700 }),
    );
    expect(line.client.leases.prefixes).toEqual([{ what: PREFIX, preferredS: 900, validS: 900 }]);
    expect(line.until(515_000 - 1)).toEqual([]);
    expect(line.until(515_000).map(({ type }) => type)).toEqual([T.renew]);
  });

  test("one lease of an association: the same", () => {
    const line = new Line({ wantPrefix: false });
    const both = iaNa([lease(ADDRESS, 200, 200), lease(OTHER, 200, 200)]);
    line.answer(T.advertise, both).answer(T.reply, both);
    line.until(100_000);
    line.answer(T.reply, iaNa([lease(OTHER, 1000, 1000)], { t1: 500, t2: 800 }));
    expect(new Set(line.held())).toEqual(new Set([ADDRESS, OTHER]));
    expect(new Set(line.until(200_000 - 1).map(({ type }) => type))).toEqual(new Set([T.renew, T.rebind]));
    line.until(200_000);
    expect(line.held()).toEqual([OTHER]);
  });

  test("what the server takes back goes at once; with the last of it all is lost, and servers are looked for later", () => {
    const line = new Line().bound();
    line.until(100_000);
    line.answer(
      T.reply,
      iaNa([lease(ADDRESS, 0, 0), lease(OTHER, 500, 500)]),
      iaPd([lease(PREFIX, 500, 500)]),
    );
    expect(line.held()).toEqual([OTHER, PREFIX]);
    line.until(200_000);
    line.answer(T.reply, iaNa([lease(OTHER, 0, 0)]), iaPd([lease(PREFIX, 0, 0)]));
    expect(line.held()).toEqual([]);
    expect(line.events.at(-1)).toEqual({ type: "lost" });
    expect(line.until(210_000 - 1)).toEqual([]);
    expect(line.until(210_000).map(({ type }) => type)).toEqual([T.solicit]);
  });

  test("T1 behind T2: as if the association was not there", () => {
    const line = new Line().bound();
    line.until(100_000);
    line.answer(
      T.reply,
      iaNa([lease(ADDRESS, 900, 900)]),
      iaPd([lease(OTHER, 900, 900)], { t1: 500, t2: 400 }),
    );
    expect(line.client.leases.prefixes).toEqual([{ what: PREFIX, preferredS: 100, validS: 100 }]);
  });

  test("an answer that has nothing at all changes nothing, and so does one that failed", () => {
    for (const answer of [[], [status(1)], [iaNa([], { status: STATUS.noAddress })]]) {
      const line = new Line().bound();
      line.until(100_000);
      line.answer(T.reply, ...answer);
      expect(line.held()).toEqual([ADDRESS, PREFIX]);
      expect(line.events.filter(({ type }) => type === "lost")).toEqual([]);
      expect(new Set(line.until(199_000).map(({ type }) => type))).toEqual(new Set([T.renew, T.rebind]));
      line.until(200_000);
      expect(line.events.at(-1)).toEqual({ type: "lost" });
    }
  });

  test("each lease ends in its own time", () => {
    const line = new Line();
    const offer = [iaNa([lease(ADDRESS, 50, 50)]), iaPd([lease(PREFIX, 200, 200)])];
    line.answer(T.advertise, ...offer).answer(T.reply, ...offer);
    line.until(49_999);
    expect(line.held()).toEqual([ADDRESS, PREFIX]);
    line.until(50_000);
    expect(line.held()).toEqual([PREFIX]);
  });

  test("ever new addresses fill no memory and no message", () => {
    const line = new Line({ wantPrefix: false });
    const many = (from: number) =>
      iaNa(
        Array.from({ length: 10 }, (_, i) => lease(`2001:db8::${(from + i).toString(16)}`, 9000, 9000)),
        { t1: 10 },
      );
    line.answer(T.advertise, many(1)).answer(T.reply, many(1));
    for (let round = 1; round < 30; round++) {
      line.until(10_000 * round + 1000 * round);
      line.answer(T.reply, many(1 + 10 * round));
    }
    expect(line.held().length).toBeLessThanOrEqual(16);
    expect(line.held()).toContain("2001:db8::12c");
  });
});

describe("NoBinding (RFC 8415 §18.2.10.1)", () => {
  test("this server is asked for it by a Request at once; the other association stays in use", () => {
    const line = new Line().bound();
    line.until(100_000);
    line.answer(T.reply, iaNa([lease(ADDRESS, 1000, 1000)]), iaPd([], { status: STATUS.noBinding }));
    expect(line.held()).toEqual([ADDRESS]);
    expect(line.last).toMatchObject({ at: 100_000, type: T.request });
    expect(line.last.options.get(2)).toBe(SERVER.replaceAll(" ", ""));
    expect([...line.last.options.keys()]).toEqual(expect.arrayContaining([3, 25]));
    line.answer(T.reply, iaNa([lease(ADDRESS, 1000, 1000)]), iaPd([lease("2001:db8:200::/56", 1000, 1000)]));
    expect(line.held()).toEqual([ADDRESS, "2001:db8:200::/56"]);
  });

  test("of all: lost, asked for by a Request, and had again", () => {
    const line = new Line().bound();
    line.until(100_000);
    const none = { status: STATUS.noBinding };
    line.answer(T.reply, iaNa([], none), iaPd([], none));
    expect(line.events.at(-1)).toEqual({ type: "lost" });
    expect(line.last).toMatchObject({ at: 100_000, type: T.request });
    line.answer(T.reply, iaNa([lease(ADDRESS, 200, 200)]), iaPd([lease(PREFIX, 200, 200)]));
    expect(line.held()).toEqual([ADDRESS, PREFIX]);
  });

  test("a server that says so on and on is not asked on and on", () => {
    const line = new Line().bound();
    line.until(100_000);
    for (let i = 0; i < 50; i++) line.answer(T.reply, iaPd([], { status: STATUS.noBinding }));
    const asked = line.sent.length;
    for (let at = 100_000; at < 160_000; at += 1000) {
      line.until(at);
      for (let i = 0; i < 10; i++) line.answer(T.reply, iaPd([], { status: STATUS.noBinding }));
    }
    expect(line.sent.length - asked).toBeLessThan(20);
  });
});

describe("how patient a client is (RFC 8415 §21.24, §21.25)", () => {
  const wanted = ({ options }: Sent) => options.get(6) ?? "";

  test("SOL_MAX_RT is asked for in Solicit, Request, Renew and Rebind, INF_MAX_RT and the refresh time where nothing is leased", () => {
    const line = new Line();
    expect(wanted(line.last)).toBe("00170052");
    line.bound();
    expect(line.sent.map(({ type }) => type)).toEqual([T.solicit, T.request]);
    line.until(190_000);
    expect(new Set(line.sent.map(({ type }) => type))).toEqual(
      new Set([T.solicit, T.request, T.renew, T.rebind]),
    );
    for (const sent of line.sent) expect(wanted(sent)).toBe("00170052");
    expect(wanted(new Line({ wantAddress: false, wantPrefix: false }).last)).toBe("001700200053");
  });

  /** The longest of the waits between Solicits, over some hours. */
  function longestWait(line: Line): number {
    const at = line.until(line.now + 40_000_000).map((sent) => sent.at);
    return Math.max(...at.slice(1).map((time, i) => time - (at[i] as number)));
  }

  test("SOL_MAX_RT holds for Solicits from then on, also of an Advertise that has nothing or failed", () => {
    for (const more of [[], [status(STATUS.noAddress)], [iaNa([], { status: STATUS.noAddress })]]) {
      const line = new Line().answer(T.advertise, option(82, number(120, 4)), ...more);
      const longest = longestWait(line);
      expect(longest).toBeGreaterThanOrEqual(108_000);
      expect(longest).toBeLessThanOrEqual(132_000);
      expect(new Set(line.sent.map(({ type }) => type))).toEqual(new Set([T.solicit]));
    }
  });

  test("values below a minute, above a day, or of another length are none", () => {
    for (const value of [number(59, 4), number(86_401, 4), number(0, 4), "003c", number(120, 8), ""]) {
      expect(longestWait(new Line().answer(T.advertise, option(82, value)))).toBeGreaterThan(3_000_000);
    }
    expect(longestWait(new Line().answer(T.advertise, option(82, number(60, 4))))).toBeLessThanOrEqual(
      66_000,
    );
  });

  test("a Reply that has it is remembered until servers are looked for again", () => {
    const line = new Line();
    const offer = [iaNa([lease(ADDRESS, 200, 200)]), iaPd([lease(PREFIX, 200, 200)])];
    line.answer(T.advertise, ...offer).answer(T.reply, ...offer, option(82, number(60, 4)));
    line.until(200_000);
    expect(line.events.at(-1)).toEqual({ type: "lost" });
    expect(line.last.type).toBe(T.solicit);
    expect(longestWait(line)).toBeLessThanOrEqual(66_000);
  });

  test("INF_MAX_RT holds for Information-requests, and not for Solicits", () => {
    const line = new Line({ wantAddress: false, wantPrefix: false });
    line.answer(T.reply, option(83, number(60, 4)), status(1));
    expect(line.events).toEqual([]);
    expect(longestWait(line)).toBeLessThanOrEqual(66_000);
    expect(longestWait(new Line().answer(T.advertise, option(83, number(60, 4))))).toBeGreaterThan(3_000_000);
  });

  test("what is told without leases is asked for again after a day, or as the server says, but ten minutes at least", () => {
    for (const [told, seconds] of [
      ["", 86_400],
      [option(32, number(3600, 4)), 3600],
      [option(32, number(1, 4)), 600],
    ] as const) {
      const line = new Line({ wantAddress: false, wantPrefix: false }).answer(T.reply, told);
      expect(line.events).toHaveLength(1);
      expect(line.until(seconds * 1000 - 1)).toEqual([]);
      expect(line.until(seconds * 1000).map(({ type }) => type)).toEqual([T.information]);
    }
    const line = new Line({ wantAddress: false, wantPrefix: false }).answer(T.reply, option(32, "ffffffff"));
    expect(line.client.pollTimeout()).toBeUndefined();
  });
});

test("no answers whatever make a client throw, ask without end, or hold without bound", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const next = rng(seed);
    const pick = <T>(...of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
    const line = new Line({ wantPrefix: next() < 0.7 }, seed);
    const some = () => pick(0, 1, 50, 100, 1000, 0xffffffff);
    for (let step = 0; step < 30; step++) {
      const given = () => ({ t1: some(), t2: some(), ...(next() < 0.3 && { status: pick(0, 2, 3, 4, 6) }) });
      const leases = (...of: readonly string[]) =>
        of.filter(() => next() < 0.5).map((what) => lease(what, some(), some()));
      const options = [
        iaNa(leases(ADDRESS, OTHER, ADDRESS, "::1"), given()),
        iaPd(leases(PREFIX, "2001:db8:200::/56", "::/0"), given()),
        option(82, number(some(), 4)),
        option(14, ""),
        status(pick(0, 0, 0, 1, 3)),
      ].filter(() => next() < 0.7);
      const before = line.sent.length;
      for (let i = 0; i < 5; i++) line.answer(pick(T.advertise, T.reply, T.reply), ...options);
      expect(line.sent.length - before, `seed ${seed}`).toBeLessThanOrEqual(5);
      expect(line.until(line.now + pick(10, 1000, 100_000)).length, `seed ${seed}`).toBeLessThan(220);
      expect(line.held().length).toBeLessThanOrEqual(32);
    }
    line.client.release(line.now);
    expect(line.client.pollTimeout()).toBeUndefined();
  }
});
