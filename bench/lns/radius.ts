/**
 * A RADIUS server that lets everybody in, each with an address of his own (RFC 2865): l2tpns cannot do without one.
 * Run in the namespace: `node radius.ts PORT SECRET`; says "ready" when it listens.
 */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";

const ACCESS_REQUEST = 1;
const ACCESS_ACCEPT = 2;
const ACCOUNTING_REQUEST = 4;
const ACCOUNTING_RESPONSE = 5;
const SERVICE_TYPE = [6, 6, 0, 0, 0, 2]; // Framed
const FRAMED_PROTOCOL = [7, 6, 0, 0, 0, 1]; // PPP

const [port = "1812", secret = "secret"] = process.argv.slice(2);
let users = 0;
const server = createSocket("udp4");
server.on("message", (request, peer) => {
  const [code = 0, identifier = 0] = request;
  if (code !== ACCESS_REQUEST && code !== ACCOUNTING_REQUEST) return;
  // 10.64.0.2 and on: Framed-IP-Address.
  const n = users++ + 2;
  const attributes =
    code === ACCESS_REQUEST
      ? [...SERVICE_TYPE, ...FRAMED_PROTOCOL, 8, 6, 10, 64 + ((n >> 16) & 63), (n >> 8) & 255, n & 255]
      : [];
  const length = 20 + attributes.length;
  const head = [
    code === ACCESS_REQUEST ? ACCESS_ACCEPT : ACCOUNTING_RESPONSE,
    identifier,
    length >> 8,
    length,
  ];
  const authenticator = createHash("md5")
    .update(Uint8Array.from(head))
    .update(request.subarray(4, 20))
    .update(Uint8Array.from(attributes))
    .update(secret)
    .digest();
  server.send(
    Buffer.concat([Uint8Array.from(head), authenticator, Uint8Array.from(attributes)]),
    peer.port,
    peer.address,
  );
});
server.bind(Number(port), "127.0.0.1", () => console.log("ready"));
