/** Tunnel IDs, tunnels and their peers. */
import { largestId } from "../check.ts";
import type { Reservation } from "../plane.ts";
import { equal, ok, refused } from "./assert.ts";
import { freshId, sessionParameters } from "./bench.ts";
import { frame } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

export const TUNNELS: readonly Scenario[] = [
  {
    name: "reserved tunnel IDs are different, in range, and not guessable from one another",
    async run(bench) {
      const { wire } = await bench.open(bench.fixture.a);
      for (const version of bench.options.versions ?? [2, 3]) {
        const held: Reservation[] = [];
        bench.defer(async () => {
          for (const one of held) await one[Symbol.asyncDispose]();
        });
        for (let i = 0; i < 32; i++) held.push(await wire.reserveTunnelId(version));
        const ids = held.map(({ tunnelId }) => tunnelId);
        equal(new Set(ids).size, ids.length, "no ID twice");
        for (const id of ids) {
          ok(
            Number.isInteger(id) && id >= 1 && id <= largestId(version),
            `${id} is an ID of version ${version}`,
          );
        }
        const steps = new Set(ids.slice(1).map((id, i) => id - (ids[i] ?? 0)));
        ok(steps.size > 8, "they do not count up");
      }
    },
  },
  {
    name: "a reserved tunnel ID is used up by its tunnel, and free again when given back",
    async run(bench) {
      const { a, b } = await bench.wires();
      const reservation = await a.wire.reserveTunnelId(3);
      const { tunnelId } = reservation;
      const tunnel = await bench.tunnel(a, { tunnelId, peer: b.address });
      equal(tunnel.tunnelId, tunnelId, "the ID");
      await reservation[Symbol.asyncDispose]();
      await refused(
        () => bench.tunnel(a, { tunnelId, peer: b.address }),
        "id-in-use",
        "the ID of the tunnel",
      );
      await tunnel.createSession(sessionParameters());
      const other = await a.wire.reserveTunnelId(3);
      await other[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await bench.tunnel(a, { tunnelId: other.tunnelId, peer: b.address });
    },
  },
  {
    name: "tunnel IDs that are 0, negative, broken or too large are refused",
    async run(bench) {
      const { a, b } = await bench.wires();
      for (const version of bench.options.versions ?? [2, 3]) {
        if (version === 2 && bench.transport.encapsulation === "ip") continue;
        for (const id of [0, -1, 1.5, largestId(version) + 1, Number.NaN]) {
          const peer = b.address;
          await refused(
            () => bench.tunnel(a, { version, tunnelId: id, peer }),
            "invalid-parameters",
            `tunnel ID ${id} in version ${version}`,
          );
          await refused(
            () => bench.tunnel(a, { version, peerTunnelId: id, peer }),
            "invalid-parameters",
            `peer tunnel ID ${id} in version ${version}`,
          );
        }
      }
    },
  },
  {
    name: "the largest tunnel and session IDs work",
    async run(bench) {
      const { a, b } = await bench.wires();
      const [idA, idB] = [0xffff_ffff, 0xffff_fffe];
      const tunnels = {
        a: await bench.tunnel(a, { tunnelId: idA, peerTunnelId: idB, peer: b.address }),
        b: await bench.tunnel(b, { tunnelId: idB, peerTunnelId: idA, peer: a.address }),
      };
      const sessions = await bench.sessions(tunnels, { sessionId: 0xffff_ffff, peerSessionId: 0x8000_0000 });
      const [portA, portB] = [await bench.port(a.end, sessions.a), await bench.port(b.end, sessions.b)];
      await portA.send(frame(1));
      await portB.send(frame(2));
      await bench.expectFrames(portB, [1], "at B");
      await bench.expectFrames(portA, [2], "at A");
    },
  },
  {
    name: "a tunnel ID that is in use is refused, and its tunnel goes on",
    async run(bench) {
      const { wires, tunnels, ports } = await bench.connected();
      await refused(
        () => bench.tunnel(wires.a, { tunnelId: tunnels.a.tunnelId, peer: wires.b.address }),
        "id-in-use",
        "the same ID again",
      );
      await ports.a.send(frame(1));
      await bench.expectFrames(ports.b, [1], "at B");
    },
  },
  {
    name: "a tunnel ID is free again when its tunnel was closed",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { peer: b.address });
      const { tunnelId } = tunnel;
      await tunnel[Symbol.asyncDispose]();
      const again = await bench.tunnel(a, { tunnelId, peer: b.address });
      equal(again.tunnelId, tunnelId, "the ID");
    },
  },
  {
    name: "a peer of another family, or without a port, is refused",
    async run(bench) {
      const a = await bench.open(bench.fixture.a);
      const family = bench.transport.family === 4 ? 6 : 4;
      const peer = {
        family,
        address: family === 4 ? "192.0.2.9" : "2001:db8::9",
        port: a.address.port,
      } as const;
      await refused(() => bench.tunnel(a, { peer }), "invalid-parameters", `an IPv${family} peer`);
      const wrong = bench.transport.encapsulation === "udp" ? 0 : 1701;
      await refused(
        () => bench.tunnel(a, { peer: { ...a.address, port: wrong } }),
        "invalid-parameters",
        `port ${wrong} of the peer`,
      );
    },
  },
  {
    name: "L2TPv2 over IP is refused",
    needs: { version: 2 },
    async run(bench) {
      if (!bench.fixture.a.plane.capabilities.encapsulations.includes("ip")) return;
      const { plane, namespace } = bench.fixture.a;
      const at = namespace === undefined ? {} : { namespace };
      const address = bench.addressOf(bench.fixture.a);
      const { family } = bench.transport;
      const wire = await plane.open(
        { encapsulation: "ip", local: { family, address, port: 0 }, ...at },
        () => {},
      );
      bench.defer(() => wire[Symbol.asyncDispose]());
      const peer = { family, address: bench.addressOf(bench.fixture.b), port: 0 };
      await refused(
        () => wire.createTunnel({ version: 2, tunnelId: freshId(), peerTunnelId: freshId(), peer }),
        ["invalid-parameters", "unsupported"],
        "a v2 tunnel on a wire over IP",
      );
    },
  },
  {
    name: "data follows when the peer's address is changed",
    needs: { raw: true },
    async run(bench) {
      const { raw, tunnel, port } = await bench.facingRaw();
      await port.send(frame(1));
      await bench.until(() => raw.received.length === 1, "the first place gets the first frame");
      const moved = await bench.raw();
      await tunnel.update({ peer: moved.local });
      equal(tunnel.peer, moved.local, "the peer");
      await port.send(frame(2));
      await bench.until(() => moved.received.length === 1, "the new place gets the second");
      equal(raw.received.length, 1, "what the first place got");
    },
  },
  {
    name: "two tunnels between the same two addresses keep their sessions apart",
    async run(bench) {
      const { a, b } = await bench.wires();
      const first = await bench.tunnels(a, b);
      const second = await bench.tunnels(a, b);
      const one = await bench.sessions(first);
      const two = await bench.sessions(second);
      const other = await bench.sessions(first);
      const to = [
        await bench.port(b.end, one.b),
        await bench.port(b.end, two.b),
        await bench.port(b.end, other.b),
      ];
      for (const [n, session] of [one.a, two.a, other.a].entries()) {
        const port = await bench.port(a.end, session);
        await port.send(frame(10 + n));
        await port.send(frame(20 + n));
      }
      for (const [n, port] of to.entries())
        await bench.expectFrames(port, [10 + n, 20 + n], `at session ${n + 1}`);
      await first.a[Symbol.asyncDispose]();
      const port = await bench.port(a.end, two.a);
      await port.send(frame(31));
      await bench.expectFrames(to[1] as (typeof to)[number], [11, 21, 31], "at the tunnel that stays");
    },
  },
];
