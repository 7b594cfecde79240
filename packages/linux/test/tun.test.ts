import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import {
  abi,
  createNamespace,
  interfaceIndex,
  interfaceName,
  openTun,
  raw,
  sys,
  tunFeatures,
} from "../src/index.ts";

needs("root", "tun")(
  "a TAP interface gets the first free name of a pattern and goes when it is closed",
  () => {
    using namespace = createNamespace();
    namespace.run(() => {
      const first = openTun({ kind: "tap", name: "wire%d" });
      const second = openTun({ kind: "tap", name: "wire%d" });
      expect([first.name, second.name]).toEqual(["wire0", "wire1"]);
      expect(interfaceName(interfaceIndex("wire1"))).toBe("wire1");
      first.close();
      first.close();
      expect(() => interfaceIndex("wire0")).toThrow(/SIOCGIFINDEX wire0: ENODEV/);
      expect(() => first.fd).toThrow(/TUN\/TAP interface wire0 is closed/);
      second.close();
    });
  },
);

needs("root", "tun")("an interface in use is refused with what to do about it", () => {
  using namespace = createNamespace();
  namespace.run(() => {
    using held = openTun({ kind: "tap", name: "wire0" });
    expect(() => openTun({ kind: "tap", name: held.name })).toThrow(
      expect.objectContaining({
        code: "EBUSY",
        syscall: "ioctl",
        what: "TUNSETIFF wire0",
        message: expect.stringContaining("choose another name"),
      }),
    );
    expect(() => openTun({ kind: "tun", name: "a name that is too long" })).toThrow(TypeError);
  });
});

needs("root", "tun")("a persistent interface stays, is attached to again and only of its own kind", () => {
  using namespace = createNamespace();
  namespace.run(() => {
    const made = openTun({ kind: "tun", name: "keep0" });
    expect(made.isPersistent()).toBe(false);
    made.setPersistent(true);
    expect(made.isPersistent()).toBe(true);
    made.close();
    expect(interfaceIndex("keep0")).toBeGreaterThan(0);
    expect(() => openTun({ kind: "tap", name: "keep0" })).toThrow(/EINVAL.*exists with other flags/);
    expect(() => openTun({ kind: "tun", name: "keep0", exclusive: true })).toThrow(/EBUSY/);
    using again = openTun({ kind: "tun", name: "keep0" });
    again.setOwner({ uid: 65534, gid: 65534 });
    again.setPersistent(false);
  });
});

needs("root", "tun")("two queues of one interface, one of them taken out of use and into it again", () => {
  using namespace = createNamespace();
  namespace.run(() => {
    using one = openTun({ kind: "tap", name: "many0", multiQueue: true });
    using two = openTun({ kind: "tap", name: "many0", multiQueue: true });
    expect(two.name).toBe(one.name);
    two.setQueueAttached(false);
    expect(raw().write(two.fd, new Uint8Array(60), 60)).toBeLessThan(0);
    two.setQueueAttached(true);
  });
});

needs("root", "tun")(
  "offloads, the size of the virtio header, the send buffer and the carrier are set",
  () => {
    using namespace = createNamespace();
    namespace.run(() => {
      expect(tunFeatures() & abi.IFF_VNET_HDR).toBe(abi.IFF_VNET_HDR);
      using tap = openTun({ kind: "tap", vnetHeader: true });
      expect(tap.flags() & abi.IFF_VNET_HDR).toBe(abi.IFF_VNET_HDR);
      expect(tap.vnetHeaderSize()).toBe(abi.virtio_net_hdr.size);
      tap.setVnetHeaderSize(12);
      expect(tap.vnetHeaderSize()).toBe(12);
      expect(tap.setOffload(abi.TUN_F_CSUM | abi.TUN_F_TSO4 | abi.TUN_F_TSO6)).toBe(true);
      expect(tap.setOffload(0x4000_0000)).toBe(false);
      tap.setSendBuffer(1 << 20);
      tap.setCarrier(false);
      tap.setCarrier(true);
      expect(tap.currentName()).toBe(tap.name);
      // Non-blocking and nothing sent yet: EAGAIN, and not a thread that waits for ever.
      expect(raw().read(tap.fd, new Uint8Array(2048), 2048)).toBe(-11);
      expect(() => sys.read(tap.fd, new Uint8Array(2048), tap.name)).toThrow(/read tap0: EAGAIN/);
    });
  },
);
