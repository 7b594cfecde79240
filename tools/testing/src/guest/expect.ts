/** vitest's `expect`, without vitest: for suites that also run inside the virtual machine. */
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";
import * as chai from "chai";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

/** The same matchers as vitest's. */
export const expect = chai.expect as unknown as typeof import("vitest").expect;
