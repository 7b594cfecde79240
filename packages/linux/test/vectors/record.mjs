/**
 * Records what iproute2 says to the kernel and what the kernel answers, byte by byte, into iproute2.json:
 *
 *     sudo unshare -n node packages/linux/test/vectors/record.mjs [COMMANDS-FILE OUTPUT.json]
 *
 * Without arguments the commands below, into iproute2.json; else those of a file, one on a line, such as another package's.
 * Needs root, strace and iproute2. Each entry: the command, its netlink requests and the datagrams of the answers in hex.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const COMMANDS = `
ip link set lo up
ip link add wan0 mtu 1400 address 02:00:00:00:00:01 type veth peer name wan1 address 02:00:00:00:00:02
ip link add br0 type bridge
ip link set wan0 master br0
ip link set wan0 up
ip link set wan0 nomaster
ip link show dev wan0
ip link show
ip address add 192.0.2.1/24 broadcast 192.0.2.255 dev wan0
ip address add 198.51.100.1 peer 198.51.100.2 dev wan0
ip -6 address add 2001:db8::1/64 nodad dev wan0
ip address show dev wan0
ip -6 address del 2001:db8::1/64 dev wan0
ip link set wan1 up
ip route add 203.0.113.0/24 via 192.0.2.254 mtu 1280 metric 50 proto static
ip route get 203.0.113.9
ip route get 127.0.0.1
ip route show table all
ip route del 203.0.113.0/24
ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev wan0
ip neigh show
ip link add br0 type bridge
ip link add d0 type nosuch
ip link set lo mtu 2
ip l2tp show tunnel
ip link del wan0
`
  .trim()
  .split("\n");

const [commandsFile, output = new URL("iproute2.json", import.meta.url)] = process.argv.slice(2);
const commands =
  commandsFile === undefined ? COMMANDS : readFileSync(commandsFile, "utf8").trim().split("\n");

const strace = ["-e", "trace=sendto,sendmsg,recvmsg", "-e", "write=all", "-e", "read=all"];
const recorded = commands.map((command) => {
  const run = spawnSync("strace", [...strace, ...command.split(" ")], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "latin1",
    maxBuffer: 1 << 26,
  });
  const requests = [];
  const answers = [];
  let into;
  for (const line of run.stderr.split("\n")) {
    const call = /^(?:\d+ +)?(sendto|sendmsg|recvmsg)\(/.exec(line)?.[1];
    if (call !== undefined) {
      // A look at the length only, and what is asked of the kernel's abilities at start, are no part of it.
      into = line.includes("MSG_PEEK") ? undefined : { kind: call === "recvmsg" ? answers : requests, hex: "" };
      if (into !== undefined) into.kind.push(into);
      continue;
    }
    const dump = /^ \| [0-9a-f]{5}  ([0-9a-f ]{48}) /.exec(line)?.[1];
    if (dump !== undefined && into !== undefined) into.hex += dump.replaceAll(" ", "");
  }
  const text = (list) => list.map(({ hex }) => hex).filter((hex) => hex !== "");
  return { command, requests: text(requests), answers: text(answers) };
});
const versions = {
  iproute2: execFileSync("ip", ["-V"], { encoding: "utf8" }).trim(),
  kernel: execFileSync("uname", ["-r"], { encoding: "utf8" }).trim(),
};
writeFileSync(output, `${JSON.stringify({ ...versions, recorded }, null, 1)}\n`);
