/** Data messages of L2TPv2 (RFC 2661 §3.1), as a LAC writes them around PPP frames. */
import { dataHeaderSizeV2, writeDataHeaderV2 } from "@l2tp/protocol";

/** Address and control fields of PPP: L2TP carries them (RFC 2661 §5.4). */
const ADDRESS_AND_CONTROL = 0xff03;

/** One data message with `FF 03` and the frame. @param ns - a sequence number, where the LNS uses them, too. */
export function dataMessage(
  tunnelId: number,
  sessionId: number,
  ns: number | undefined,
  frame: Uint8Array,
): Uint8Array {
  const fields = { tunnelId, sessionId, ...(ns !== undefined && { ns }) };
  const size = dataHeaderSizeV2(fields);
  const message = new Uint8Array(size + 2 + frame.length);
  writeDataHeaderV2(message, 0, fields, 2 + frame.length);
  message[size] = ADDRESS_AND_CONTROL >> 8;
  message[size + 1] = ADDRESS_AND_CONTROL & 0xff;
  message.set(frame, size + 2);
  return message;
}
