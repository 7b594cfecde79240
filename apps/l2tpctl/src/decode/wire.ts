import type { DecodeOptions as ProtocolOptions, SharedSecret } from "@l2tp/protocol";
import type { DecodeOptions } from "./options.ts";

/** What the wire does not say, in the codec's words; what nobody said is left out. */
export function wireOptions(
  { cookie, l2spec }: DecodeOptions,
  secret: SharedSecret | undefined,
): Pick<ProtocolOptions, "cookieSize" | "sublayer" | "secret"> {
  return {
    ...(cookie !== undefined && { cookieSize: cookie }),
    ...(l2spec !== undefined && { sublayer: l2spec }),
    ...(secret !== undefined && { secret }),
  };
}
