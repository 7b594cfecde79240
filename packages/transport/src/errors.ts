/** What is thrown at the caller. Nothing that a peer sends makes the transport throw. */
import { L2tpError } from "@l2tp/protocol";

/** Something was asked of the transport that cannot be; the message says what, and what would do. */
export class TransportError extends L2tpError {
  override readonly name = "TransportError";
  override readonly code: "ERR_L2TP_SETTING" | "ERR_L2TP_MESSAGE" | "ERR_L2TP_CHANNELS";

  /** @param code - a setting out of range, a message that is none, more channels than there can be. */
  constructor(code: TransportError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
