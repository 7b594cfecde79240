/** It keeps the contract of data planes, as far as that is not about frames. */
import { conformanceTests, dataPlaneSuite } from "@l2tp/dataplane/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { nullFixture } from "./fixture.ts";

/** What these say of numbers, IDs and strangers without frames is in data.test.ts. */
const FRAMES = [
  "the largest tunnel and session IDs work",
  "a tunnel ID that is in use is refused, and its tunnel goes on",
  "data follows when the peer's address is changed",
  "two tunnels between the same two addresses keep their sessions apart",
  "frames cross both ways unchanged, with every length of cookie, with and without sublayer",
  "the two directions may have cookies of different lengths",
  "a data message on the wire has the octets that RFC 3931 gives it",
  "a session ID that is in use is refused, and its session goes on",
  "a session ID is free again when its session was closed",
  "a wrong cookie is dropped and counted, and the right one passes",
  "messages too short for their cookie, sublayer or frame are dropped, and the next one passes",
  "frames of every size up to the MTU cross unchanged",
  "data for a session that is not there is counted and told of, and never answered",
  "data from before a session is not delivered to it, nor data from after its end",
  "numbers that are sent count up from 0, and stop and go on when changed",
  "numbered frames cross between two that both require numbers",
  "frames without a number are dropped and counted where numbers are required",
  "requiring numbers can be turned on and off while the session is up",
  "frames with a number pass where none is required",
  "without reordering, late frames and doubles are dropped and counted",
  "after a gap the session takes the sender's numbering",
  "a sender that begins again at 0 is heard",
  "the numbers wrap around from the largest to 0",
  "with reordering, frames are put in order and counted",
  "with reordering, a frame that never comes does not hold up the others for longer than was said",
  "reordering can be turned on while the session is up",
  "after known traffic both ends count the same packets and bytes",
  "the statistics of many sessions come in one go, one row each",
  "datagrams that are too short or of another version are counted and do no harm",
  "anything with the T bit is handed up as it came",
  "two hundred random datagrams do no harm",
  "control messages pass while data keeps coming, and data while control messages do",
  "session, tunnel and wire close in this order, each twice",
  "closing a session leaves the others",
  "L2TPv2: PPP frames cross both ways",
  "L2TPv2: a data message on the wire has the octets that RFC 2661 gives it",
  "L2TPv2: length, priority, offset and missing FF 03 are understood",
  "L2TPv2: the same session ID in two tunnels is two sessions",
  "L2TPv2: a v3 message with the same session ID is not taken for it",
  "L2TPv2: the 16-bit numbers of data messages wrap around",
  "L2TPv2: a LAC follows the LNS's choice of sequence numbers",
  "L2TPv2: an LNS follows nobody, nor does a LAC whose call requires sequence numbers",
];

/** It has no interfaces, and Node's sockets do not choose among the addresses of a host. */
const PLACES = [
  "a wire on all addresses answers from the address that it was called at",
  "control messages of a tunnel leave from the tunnel's address",
  "the interface has the name that was asked for, and a name is given once",
  "an interface that vanishes is told of, and its session is gone",
];

/** PPP of its own is refused, see data.test.ts. */
const LINKS = conformanceTests().filter((name) => name.startsWith("PPP link: "));

dataPlaneSuite(
  { describe, test, beforeAll, afterAll },
  {
    name: "null",
    make: nullFixture,
    over: [
      { encapsulation: "udp", family: 4 },
      { encapsulation: "udp", family: 6 },
    ],
    ports: ["eth", "ppp"],
    manySessions: 1_000,
    patienceMs: 300,
    omit: [...FRAMES, ...PLACES, ...LINKS],
  },
);
