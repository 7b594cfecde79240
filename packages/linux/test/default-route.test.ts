import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { createNamespace, defaultDestinations, link, NetlinkSocket, nlabi, route } from "../src/index.ts";

const HALVES = { 4: ["0.0.0.0/1", "128.0.0.0/1"], 6: ["::/1", "8000::/1"] } as const;
const WHOLE = { 4: ["0.0.0.0/0"], 6: ["::/0"] } as const;

needs("root")("a default route of ours is in halves only where another one would be in its way", async () => {
  using namespace = createNamespace();
  await using socket = new NetlinkSocket(nlabi.NETLINK_ROUTE, { namespace: namespace.fd });
  await socket.run(link.add({ name: "ppp9", kind: "veth", peer: { name: "wan0" } }));
  const indexOf = async (name: string) => (await socket.run(link.get({ name }))).index;
  const [ours, wan] = [await indexOf("ppp9"), await indexOf("wan0")];
  for (const name of ["ppp9", "wan0"]) await socket.run(link.set({ name }, { up: true }));

  for (const family of [4, 6] as const) {
    const wanted = () => defaultDestinations(socket, family, ours);
    const theirs = (metric?: number, more = {}) => ({
      destination: "default",
      family,
      interfaceIndex: wan,
      ...(metric !== undefined && { metric }),
      ...more,
    });
    expect(await wanted()).toEqual(WHOLE[family]);
    for (const [another, expected] of [
      // Of no metric; of one that ours wins against; in a table that nobody asks for.
      [theirs(), HALVES[family]],
      [theirs(family === 4 ? 100 : 2048), WHOLE[family]],
      [theirs(undefined, { table: 77 }), WHOLE[family]],
      [{ ...theirs(), interfaceIndex: ours }, WHOLE[family]],
    ] as const) {
      await socket.run(route.add(another));
      expect(await wanted()).toEqual(expected);
      // What is said can be done.
      for (const destination of another.interfaceIndex === ours ? [] : expected) {
        const own = { destination, interfaceIndex: ours };
        await socket.run(route.add(own));
        await socket.run(route.remove(own));
      }
      await socket.run(route.remove(another));
    }
  }
});
