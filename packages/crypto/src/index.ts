/**
 * The few primitives that L2TP and PPP need and platforms no longer have, and the audited ones beside them, so
 * that users import all from one place. Nothing here is secure by today's measure: it is what the RFCs prescribe.
 */
/** HMAC (RFC 2104), audited. */
export { hmac } from "@noble/hashes/hmac.js";
/** MD5 (RFC 1321) and SHA-1 (RFC 3174), audited. */
export { md5, sha1 } from "@noble/hashes/legacy.js";
export { DES_BLOCK_LENGTH, desDecrypt, desEncrypt, expandDesKey } from "./des.ts";
export { equalConstantTime } from "./equal.ts";
export { MD4_LENGTH, md4 } from "./md4.ts";
export { Rc4 } from "./rc4.ts";
