import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import {
  createNamespace,
  type Fd,
  InterfaceRemover,
  interfaceIndex,
  link,
  type NetlinkRequest,
  NetlinkSocket,
  nlabi,
  openTun,
} from "../src/index.ts";

/** A kernel that takes note of what it is asked for, and refuses what it is told to. */
function notebook(refused: (name: string) => boolean = () => false) {
  const requests: string[] = [];
  const closed: number[] = [];
  const remover = new InterfaceRemover({
    run: async ({ name }: NetlinkRequest<void>) => {
      if (refused(name)) throw new Error(`${name}: refused`);
      requests.push(name.replace(/group \d+/, "group"));
    },
    close: async (fd) => void closed.push(fd),
  });
  return { requests, closed, remover };
}

const many = (count: number) => Array.from({ length: count }, (_, n) => n + 100);

test("a few interfaces are closed one by one", async () => {
  const { requests, closed, remover } = notebook();
  await Promise.all([1, 2, 3].map((index) => remover.remove((index + 10) as Fd, index)));
  expect([requests, closed]).toEqual([[], [11, 12, 13]]);
});

test("a thousand are deleted in groups of 256, and their descriptors are closed after it", async () => {
  const { requests, closed, remover } = notebook();
  await Promise.all(many(1_000).map((index) => remover.remove(index as Fd, index)));
  expect(requests.filter((name) => name === "RTM_DELLINK group")).toHaveLength(4);
  expect(requests[256]).toBe("RTM_DELLINK group");
  expect(closed).toEqual(many(1_000));
});

test("one that is gone already, and a kernel that deletes no groups, keep nobody from being closed", async () => {
  const gone = notebook((name) => name === "RTM_NEWLINK interface 105");
  await Promise.all(many(20).map((index) => gone.remover.remove(index as Fd, index)));
  expect(gone.closed).toEqual(many(20));
  expect(gone.requests).toHaveLength(20);
  const unable = notebook((name) => name.startsWith("RTM_DELLINK"));
  await Promise.all(many(20).map((index) => unable.remover.remove(index as Fd, index)));
  expect(unable.closed).toEqual(many(20));
});

test("a descriptor that cannot be closed keeps nobody else from going", async () => {
  const closed: number[] = [];
  const remover = new InterfaceRemover({
    run: async () => {},
    close: async (fd) => {
      if (fd === (11 as Fd)) throw new Error("the thread that closes has ended");
      closed.push(fd);
    },
  });
  await Promise.all([1, 2, 3].map((index) => remover.remove((index + 10) as Fd, index)));
  await remover.remove(14 as Fd, 4);
  expect(closed).toEqual([12, 13, 14]);
});

test("what is to go while others go is next", async () => {
  const { closed, remover } = notebook();
  const first = remover.remove(1 as Fd, 1);
  await new Promise(setImmediate);
  await Promise.all([first, remover.remove(2 as Fd, 2)]);
  expect(closed).toEqual([1, 2]);
});

needs("root", "tun")("interfaces go together, and none but these", async () => {
  using namespace = createNamespace();
  await using socket = new NetlinkSocket(nlabi.NETLINK_ROUTE, { namespace: namespace.fd });
  const opened = namespace.run(() =>
    many(40).map((n) => {
      const { fd, name } = openTun({ kind: "tun", name: `ours${n}` });
      return { fd, index: interfaceIndex(name) };
    }),
  );
  using _other = namespace.run(() => openTun({ kind: "tun", name: "other" }));
  const remover = new InterfaceRemover({ run: (request) => socket.run(request) });
  await Promise.all(opened.map(({ fd, index }) => remover.remove(fd, index)));
  expect((await socket.run(link.list())).map(({ name }) => name).sort()).toEqual(["lo", "other"]);
});
