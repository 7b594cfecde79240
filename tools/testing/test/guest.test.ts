/** The virtual machine itself: boots, runs a bundled suite, reports each of its tests. */
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./guest-example.ts";

vmSuite("the virtual machine", suite, new URL("guest-example.ts", import.meta.url), { timeoutMs: 300_000 });
