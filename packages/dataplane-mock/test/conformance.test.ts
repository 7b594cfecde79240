/** The mock keeps the contract that it stands in for: all of the kit, nothing skipped. */
import { dataPlaneSuite } from "@l2tp/dataplane/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { mockFixture } from "./fixture.ts";

dataPlaneSuite(
  { describe, test, beforeAll, afterAll },
  {
    name: "mock",
    make: () => mockFixture(),
    over: [
      { encapsulation: "udp", family: 4 },
      { encapsulation: "udp", family: 6 },
      { encapsulation: "ip", family: 4 },
      { encapsulation: "ip", family: 6 },
    ],
    ports: ["eth", "ppp"],
    pppLink: "program",
    withoutMppe: "the mock encrypts nothing",
    manySessions: 1_000,
  },
);
