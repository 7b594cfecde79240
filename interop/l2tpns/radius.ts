/**
 * The least of a RADIUS server (RFC 2865, RFC 2866) that l2tpns needs to let users in: it checks the password of PAP and
 * CHAP, and lets in whoever has it, without an address: that is of l2tpns's pool. In a process of its own:
 * `radius.ts PORT SECRET PASSWORD` says "ready", and a line for each user that it was asked for.
 */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";

const ACCESS_REQUEST = 1;
const ACCESS_ACCEPT = 2;
const ACCESS_REJECT = 3;
const ACCOUNTING_REQUEST = 4;
const ACCOUNTING_RESPONSE = 5;
const USER_NAME = 1;
const USER_PASSWORD = 2;
const CHAP_PASSWORD = 3;
const CHAP_CHALLENGE = 60;
/** Service-Type Framed, Framed-Protocol PPP. */
const FRAMED = [6, 6, 0, 0, 0, 2, 7, 6, 0, 0, 0, 1];

const [port = "1812", secret = "", password = ""] = process.argv.slice(2);

const md5 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Attributes by number; one of each is enough here. */
function attributesOf(packet: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 20; at + 2 <= packet.length; at += packet[at + 1] as number) {
    const size = packet[at + 1] as number;
    if (size < 2) break;
    found.set(packet[at] as number, packet.subarray(at + 2, at + size));
  }
  return found;
}

/** RFC 2865 §5.2: the password is hidden by blocks, each with the one before. */
function opened(hidden: Buffer, authenticator: Buffer): string {
  let before = authenticator;
  let text = "";
  for (let at = 0; at < hidden.length; at += 16) {
    const block = hidden.subarray(at, at + 16);
    const pad = md5(secret, before);
    text += Buffer.from(block.map((octet, n) => octet ^ (pad[n] as number))).toString("latin1");
    before = block;
  }
  return text.replace(/\0+$/, "");
}

function isRight(attributes: Map<number, Buffer>, authenticator: Buffer): boolean {
  const pap = attributes.get(USER_PASSWORD);
  if (pap !== undefined) return opened(pap, authenticator) === password;
  const chap = attributes.get(CHAP_PASSWORD);
  if (chap === undefined) return false;
  const challenge = attributes.get(CHAP_CHALLENGE) ?? authenticator;
  return md5(chap.subarray(0, 1), password, challenge).equals(chap.subarray(1));
}

function answerTo(
  request: Buffer,
): { readonly code: number; readonly attributes: readonly number[] } | undefined {
  if (request[0] === ACCOUNTING_REQUEST) return { code: ACCOUNTING_RESPONSE, attributes: [] };
  if (request[0] !== ACCESS_REQUEST) return undefined;
  const attributes = attributesOf(request);
  const right = isRight(attributes, request.subarray(4, 20));
  const way = attributes.has(CHAP_PASSWORD) ? "chap" : "pap";
  console.log(`${attributes.get(USER_NAME)?.toString()} by ${way}: ${right ? "accepted" : "rejected"}`);
  return right ? { code: ACCESS_ACCEPT, attributes: FRAMED } : { code: ACCESS_REJECT, attributes: [] };
}

const server = createSocket("udp4");
server.on("message", (request, peer) => {
  const answer = answerTo(request);
  if (answer === undefined) return;
  const length = 20 + answer.attributes.length;
  const head = Uint8Array.of(answer.code, request[1] as number, length >> 8, length & 0xff);
  const body = Uint8Array.from(answer.attributes);
  const authenticator = md5(head, request.subarray(4, 20), body, secret);
  server.send(Buffer.concat([head, authenticator, body]), peer.port, peer.address);
});
server.bind(Number(port), "127.0.0.1", () => console.log("ready"));
