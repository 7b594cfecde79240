import { checkSession, type DataPlane, PlaneError } from "@l2tp/dataplane";

/** Opens a wire on any data plane, and says in one line what came of it. */
export async function tryToOpen(plane: DataPlane): Promise<string> {
  const local = { family: 4, address: "0.0.0.0", port: 1701 } as const;
  try {
    await using wire = await plane.open({ encapsulation: "udp", local }, ({ from, datagram }) => {
      console.log(`a control message of ${datagram.length} octets from ${from.address}`);
    });
    return `listening on port ${wire.local.port}`;
  } catch (error) {
    if (error instanceof PlaneError && error.code === "address-in-use") return "somebody else does L2TP here";
    throw error;
  }
}

// Parameters are checked in one place, the same for every data plane.
const capabilities = {
  versions: [3],
  encapsulations: ["udp"],
  families: [4, 6],
  pseudowires: ["eth"],
  interfaces: true,
} as const;
const session = {
  name: "site-a",
  pseudowire: "eth",
  sessionId: 11,
  peerSessionId: 22,
  cookie: new Uint8Array(3),
  peerCookie: new Uint8Array(8),
  l2SpecificSublayer: "default",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
} as const;
try {
  checkSession(session, 3, capabilities);
} catch (error) {
  if (error instanceof PlaneError) console.log(`${error.code}: ${error.message}`);
}
