import { address, createNamespace, link, NetlinkSocket, nlabi, openTun, raw, route } from "@l2tp/linux";

// A network namespace of our own, held by a descriptor: nothing of the machine is touched.
using namespace = createNamespace();
await using netlink = new NetlinkSocket(nlabi.NETLINK_ROUTE, { namespace: namespace.fd });

// A TAP interface in it, named, with an MTU and an address, and up.
using tap = namespace.run(() => openTun({ kind: "tap", name: "l2tpeth%d" }));
const { index } = await netlink.run(link.get({ name: tap.name }));
await netlink.run(link.set({ index }, { mtuOctets: 1446, up: true }));
await netlink.run(address.add({ index, address: "192.0.2.1", prefixLength: 24 }));

const way = await netlink.run(route.lookUp("192.0.2.2"));
console.log(`192.0.2.2 leaves by ${tap.name} from ${way.preferredSource}`);

// What the kernel sends through the interface is read from its descriptor, here without waiting.
const frame = new Uint8Array(2048);
const octets = raw().read(tap.fd, frame, frame.length);
console.log(octets < 0 ? "no frame yet" : `a frame of ${octets} octets`);

// What the kernel refuses says why, and what to do.
await netlink
  .run(link.add({ name: tap.name, kind: "bridge" }))
  .catch((error: Error) => console.log(error.message));
