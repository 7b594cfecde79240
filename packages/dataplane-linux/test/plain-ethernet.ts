/** A session for tests and benchmarks that look at many: Ethernet, without cookies and sequence numbers. */
import type { SessionPlaneParameters } from "@l2tp/dataplane";

export const plainEthernet = (sessionId: number) =>
  ({
    name: "plain",
    pseudowire: "eth",
    sessionId,
    peerSessionId: sessionId,
    cookie: new Uint8Array(),
    peerCookie: new Uint8Array(),
    l2SpecificSublayer: "none",
    sendSequence: false,
    receiveSequence: false,
    reorderMs: 0,
    interface: { up: false },
  }) satisfies SessionPlaneParameters;
