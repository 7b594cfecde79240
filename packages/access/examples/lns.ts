// An LNS asks: may this peer have a tunnel, who is this user, which address does its session get?
import { Rules } from "@l2tp/access";

const rules = new Rules({
  peers: [
    { name: "stolen", from: ["192.0.2.66"], deny: "reported stolen" },
    { name: "lacs", from: ["192.0.2.0/24"], hostName: ["lac*.example"], secrets: ["opensesame"] },
  ],
  users: [{ name: "anna@isp.example", password: "for anna", routes: ["10.20.0.0/16"] }],
  pools: [{ name: "subscribers", ranges: ["100.64.0.0/29"], local: "100.64.0.1" }],
});

const caller = (address: string, hostName: string) => ({
  from: { family: 4 as const, address, port: 1701 },
  local: { family: 4 as const, address: "198.51.100.1", port: 1701 },
  listener: "public",
  hostName,
  vendorName: "",
});
for (const [address, hostName] of [
  ["192.0.2.7", "lac7.example"],
  ["192.0.2.66", "lac66.example"],
  ["203.0.113.9", "lac9.example"],
] as const) {
  const answer = rules.peer(caller(address, hostName));
  console.log(`${hostName}: ${answer.accept ? `welcome as ${answer.peer}` : answer.reason}`);
}

const grant = rules.user({
  name: "anna@isp.example",
  method: "mschap-v2",
  tunnel: "lacs",
  session: "s1",
  profile: "default",
  peer: { family: 4, address: "192.0.2.7", port: 1701 },
});
// The password is for PPP, which checks the proof; here it is taken as good.
if (grant.accept) {
  console.log(rules.lease({ session: "s1", user: "anna@isp.example", pool: "subscribers", grant }));
  console.log(rules.status().pools);
  rules.release("s1");
}
