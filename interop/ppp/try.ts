import { Scene } from "./scene.ts";

const LINES = [
  { name: "home", lac: "request_prefix = true\ndefault_route = true" },
  { name: "v6only", lns: "ipv4 = false", lac: "ipv4 = false" },
  { name: "v4only", lns: "ipv6 = false" },
  { name: "fixed", session: 'user = "fixed"' },
  {
    name: "plain",
    lns: "pfc = false\nacfc = false\nmagic = false",
    lac: "pfc = false\nacfc = false\nmagic = false",
  },
  { name: "small", lns: "mru = 576" },
  { name: "accm", lns: "accm = 0xffffffff", lac: "send_compressed = true" },
  { name: "second", lns: 'auth = ["mschap-v2", "eap-md5", "chap-md5"]', lac: 'own_auth = ["chap-md5"]' },
  { name: "nopap", lns: 'auth = ["pap"]' },
  { name: "nomppe", lns: 'auth = ["mschap-v2"]\nmppe = "require"' },
  { name: "allow", lns: 'auth = ["mschap-v2"]\nmppe = "request"', lac: 'mppe = "allow"' },
  { name: "without", lns: 'auth = ["mschap-v2"]\nmppe = "request"' },
  { name: "dns", lns: 'dns = ["192.0.2.53"]', lac: "request_dns = true\nrequest_wins = true" },
  { name: "own", lac: 'local_address = "100.64.9.9"' },
  { name: "pliant", lac: 'local_address = "100.64.9.10"\naccept_local_address = true' },
  { name: "unnum", lns: "unnumbered = true" },
  { name: "wrong", session: 'password = "tset"' },
  { name: "nobody", session: 'user = "nobody"' },
  { name: "mutual", lns: "", lac: 'auth = ["chap-md5"]' },
];
const s = new Scene(LINES, {
  lns: `[user.nobody]\ndeny = "gone"\n[user.fixed]\npassword = "test"\naddress = "100.64.7.7"\ninterface_id = "::7"\nipv6_prefix = "2001:db8:7:7::/64"\ndelegated_prefix = "2001:db8:77::/56"\n`,
  lac: ``,
});
await new Promise((r) => setTimeout(r, 14000));
for (const [n, d] of [
  ["LNS", s.lns],
  ["LAC", s.lac],
] as const) {
  console.log(n);
  for (const { time, level, message, ...more } of d.lines)
    console.log(" ", level, message, JSON.stringify(more));
}
console.log(
  (await s.sites.a.execute("ip", "-6", "route")).output,
  (await s.sites.a.execute("ip", "route")).output,
);
for (const n of ["home", "fixed", "small", "dns", "allow", "unnum", "pliant"])
  console.log(JSON.stringify(await s.lacCtl.client.session(n).catch((e) => e)));
console.log((await s.lacCtl.run("session", "list", "--state", "down")).output);
console.log((await s.lacCtl.run("session", "show", "nopap")).output);
console.log(await s.lac.stop(), await s.lns.stop());
await s[Symbol.asyncDispose]();
