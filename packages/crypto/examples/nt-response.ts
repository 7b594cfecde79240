// An MS-CHAP response from a password and a challenge (RFC 2433 §A.5), on a system whose OpenSSL has no MD4 and no DES.
import { desEncrypt, equalConstantTime, md4 } from "@l2tp/crypto";

function ntResponse(password: string, challenge: Uint8Array): Uint8Array {
  const utf16 = new Uint8Array(2 * password.length);
  for (let i = 0; i < password.length; i++) {
    utf16[2 * i] = password.charCodeAt(i);
    utf16[2 * i + 1] = password.charCodeAt(i) >> 8;
  }
  const hash = new Uint8Array(21); // 16 octets of MD4, and zeros up to three keys of 7
  hash.set(md4(utf16));
  const blocks = [0, 7, 14].map((at) => desEncrypt(hash.subarray(at, at + 7), challenge));
  return Uint8Array.from(blocks.flatMap((block) => [...block]));
}

const challenge = Uint8Array.of(0x10, 0x2d, 0xb5, 0xdf, 0x08, 0x5d, 0x30, 0x41);
const response = ntResponse("MyPw", challenge);
console.log(Buffer.from(response).toString("hex"));
console.log(equalConstantTime(response, ntResponse("mypw", challenge)));
