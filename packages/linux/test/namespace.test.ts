import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import {
  createNamespace,
  deleteNamespace,
  interfaceIndex,
  listNamespaces,
  namespaceId,
  openNamespace,
  openTun,
  sameNamespace,
  withNamespace,
} from "../src/index.ts";

needs("root")("work in another namespace is in it, and the thread is back afterwards", () => {
  const home = namespaceId();
  using other = createNamespace();
  expect(sameNamespace(namespaceId(), home)).toBe(true);
  const inside = other.run(() => namespaceId());
  expect(sameNamespace(inside, other.id)).toBe(true);
  expect(sameNamespace(inside, home)).toBe(false);
  expect(sameNamespace(namespaceId(), home)).toBe(true);
});

needs("root")("the thread is back also when the work throws, or was not synchronous", () => {
  const home = namespaceId();
  using other = createNamespace();
  expect(() =>
    other.run(() => {
      throw new Error("broken work");
    }),
  ).toThrow("broken work");
  expect(sameNamespace(namespaceId(), home)).toBe(true);
  expect(() => other.run(async () => {})).toThrow(/must be synchronous/);
  expect(sameNamespace(namespaceId(), home)).toBe(true);
});

needs("root")("namespaces nest, and a closed one says so", () => {
  using outer = createNamespace();
  const inner = outer.run(() => createNamespace());
  outer.run(() => {
    inner.run(() => expect(sameNamespace(namespaceId(), inner.id)).toBe(true));
    expect(sameNamespace(namespaceId(), outer.id)).toBe(true);
  });
  inner.close();
  inner.close();
  expect(() => inner.fd).toThrow(/namespace anonymous is closed/);
});

needs("root")("a descriptor that is no namespace is refused and changes nothing", () => {
  const home = namespaceId();
  using own = openNamespace();
  expect(sameNamespace(own.id, home)).toBe(true);
  expect(() => withNamespace(0 as typeof own.fd, () => {})).toThrow(/setns network namespace: E/);
  expect(sameNamespace(namespaceId(), home)).toBe(true);
});

needs("root", "tun")("what is opened in a namespace stays there", () => {
  using one = createNamespace();
  using tap = one.run(() => openTun({ kind: "tap", name: "inside0" }));
  expect(() => interfaceIndex("inside0")).toThrow(/ENODEV/);
  expect(one.run(() => interfaceIndex("inside0"))).toBeGreaterThan(0);
  expect(tap.currentName()).toBe("inside0");
});

needs("root")("a named namespace is where `ip netns` looks for it, until it is deleted", () => {
  const name = `linux-test-${process.pid}`;
  const made = createNamespace(name);
  try {
    expect(listNamespaces()).toContain(name);
    using found = openNamespace({ name });
    expect(sameNamespace(found.id, made.id)).toBe(true);
    expect(() => createNamespace(name)).toThrow(/EEXIST/);
    // The failed attempt took nothing away.
    expect(listNamespaces()).toContain(name);
  } finally {
    made.close();
    deleteNamespace(name);
  }
  expect(listNamespaces()).not.toContain(name);
  expect(() => openNamespace({ name })).toThrow(/open \/run\/netns\/.*ENOENT/);
  expect(() => openNamespace({ name: "../etc" })).toThrow(TypeError);
});

needs("linux")("the namespace of a process is opened by its number", () => {
  using mine = openNamespace({ pid: process.pid });
  expect(sameNamespace(mine.id, namespaceId())).toBe(true);
});
