/** Runs the lab inside a user namespace and says what it saw, as JSON. */
import { Lab } from "@l2tp/lab";
import { INNER, Pair, transfer } from "../support/pair.ts";

const results: Record<string, unknown> = {};
for (const encapsulation of ["udp", "ip"] as const) {
  using lab = new Lab();
  await using pair = await Pair.open(lab, { encapsulation });
  results[encapsulation] = await transfer(lab.a, lab.b, INNER.b, 3_000_000);
  results["features"] = pair.a.plane.status().features;
}
console.log(JSON.stringify(results));
