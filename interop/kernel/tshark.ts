/** What the guest captured, as tshark reads it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Combination, identityOf } from "./combinations.ts";

const COOKIES = { 0: "None", 4: "4 Byte Cookie", 8: "8 Byte Cookie" } as const;

/** The frames of one session that our end `a` sent: one row of fields a frame. */
export async function decodeSent(
  folder: string,
  kind: "eth" | "ppp",
  combination: Combination,
  fields: readonly string[],
): Promise<string[][]> {
  const { version, encapsulation, family, cookie, sublayer } = combination;
  const own = identityOf(combination, "a");
  const peer = identityOf(combination, "b");
  const session = version === 2 ? `l2tp.session == ${peer.sessionId}` : `l2tp.sid == ${peer.sessionId}`;
  const { stdout } = await promisify(execFile)(
    "tshark",
    [
      ...["-r", join(folder, `${kind}-${encapsulation}-ipv${family}.pcap`)],
      ...["-n", "-T", "fields", "-E", "separator=|"],
      ...(encapsulation === "udp" ? ["-d", `udp.port==${own.port},l2tp`] : []),
      ...["-o", `l2tp.cookie_size:${COOKIES[cookie]}`],
      ...["-o", `l2tp.l2_specific:${sublayer ? "Default L2-Specific" : "None"}`],
      ...["-o", "ip.check_checksum:TRUE"],
      ...["-Y", session],
      ...fields.flatMap((field) => ["-e", field]),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const text = stdout.replace(/\n$/, "");
  return text === "" ? [] : text.split("\n").map((line) => line.split("|"));
}
