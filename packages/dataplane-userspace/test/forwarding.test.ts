/** Forwarding of a host, and how its subscribers' addresses are hidden. */
import { readFileSync } from "node:fs";
import { enableForwarding, forwardingState, masqueradeCommands } from "@l2tp/dataplane-userspace";
import { Lab } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";

needs("linux", "root")("forwarding is switched on in the namespace that was named, and nowhere else", () => {
  const before = readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8");
  using lab = new Lab();
  const namespace = lab.b.path;
  enableForwarding({ namespace });
  lab.b.run(() => {
    expect(readFileSync("/proc/sys/net/ipv6/conf/all/forwarding", "utf8").trim()).toBe("0");
  });
  enableForwarding({ namespace, ipv4: true, ipv6: true });
  expect(forwardingState(namespace)).toEqual({ ipv4: true, ipv6: true });
  expect(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8")).toBe(before);
});

test("the commands for masquerading name each pool in its family", () => {
  const commands = masqueradeCommands(["10.0.0.0/16", "fd00::/48"]);
  expect(commands[2]).toBe(
    "nft add rule inet l2tp postrouting ip saddr 10.0.0.0/16 ip daddr != 10.0.0.0/16 masquerade",
  );
  expect(commands[3]).toContain("ip6 saddr fd00::/48");
});
