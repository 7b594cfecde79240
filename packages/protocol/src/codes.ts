/**
 * What the numbers in Result Code, Q.931 Cause Code and PPP Disconnect Cause Code AVPs mean, for logs and for
 * the printout. RFC 2661 §4.4.2, RFC 3931 §5.4.2, and the registry.
 */

/** Result codes of StopCCN, RFC 2661 §4.4.2 and RFC 3308. */
export const STOPCCN_RESULTS_V2: Readonly<Record<number, string>> = {
  0: "Reserved",
  1: "General request to clear control connection",
  2: "General error, Error Code indicates the problem",
  3: "Control channel already exists",
  4: "Requester is not authorized to establish a control channel",
  5: "The protocol version of the requester is not supported, Error Code indicates highest version supported",
  6: "Requester is being shut down",
  7: "Finite State Machine error",
  8: "Disconnecting control connection due to mismatching CCDS value",
};

/** Result codes of StopCCN, RFC 3931 §5.4.2 and RFC 3308. */
export const STOPCCN_RESULTS_V3: Readonly<Record<number, string>> = {
  0: "Reserved",
  1: "General request to clear control connection",
  2: "General error, Error Code indicates the problem",
  3: "Control channel already exists",
  4: "Requester is not authorized to establish a control channel",
  5: "The protocol version of the requester is not supported, Error Code indicates highest version supported",
  6: "Requester is being shut down",
  7: "Finite state machine error or timeout",
  8: "Disconnecting control connection due to mismatching CCDS value",
};

/** Result codes of CDN, RFC 2661 §4.4.2 and RFC 3308. */
export const CDN_RESULTS_V2: Readonly<Record<number, string>> = {
  0: "Reserved",
  1: "Call disconnected due to loss of carrier",
  2: "Call disconnected for the reason indicated in error code",
  3: "Call disconnected for administrative reasons",
  4: "Call failed due to lack of appropriate facilities being available (temporary condition)",
  5: "Call failed due to lack of appropriate facilities being available (permanent condition)",
  6: "Invalid destination",
  7: "Call failed due to no carrier detected",
  8: "Call failed due to detection of a busy signal",
  9: "Call failed due to lack of a dial tone",
  10: "Call was not established within time allotted by LAC",
  11: "Call was connected but no appropriate framing was detected",
  12: "Disconnecting call due to mismatching SDS value",
  26: "Loop detected",
};

/** Result codes of CDN, RFC 3931 §5.4.2, RFC 4349, 4454, 4591, 4667, 5611, 6073 and 6074. */
export const CDN_RESULTS_V3: Readonly<Record<number, string>> = {
  0: "Reserved",
  1: "Session disconnected due to loss of carrier or circuit disconnect",
  2: "Session disconnected for the reason indicated in Error Code",
  3: "Session disconnected for administrative reasons",
  4: "Session establishment failed due to lack of appropriate facilities being available (temporary condition)",
  5: "Session establishment failed due to lack of appropriate facilities being available (permanent condition)",
  13: "Session not established due to losing tie breaker",
  14: "Session not established due to unsupported PW type",
  15: "Session not established, sequencing required without valid L2-Specific Sublayer",
  16: "Finite state machine error or timeout",
  17: "Frame Relay PVC was deleted permanently (no longer provisioned)",
  18: "Frame Relay PVC has been INACTIVE for an extended period of time",
  19: "Mismatched Frame Relay header length",
  20: "HDLC link was deleted permanently (no longer provisioned)",
  21: "HDLC link has been INACTIVE for an extended period of time",
  22: "Session not established because the other LCCE can not support OAM cell emulation",
  23: "Mismatching interface MTU",
  24: "Attempt to connect to non-existent forwarder",
  25: "Attempt to connect to unauthorized forwarder",
  26: "Loop detected",
  27: "Attachment Circuit bound to different PE",
  28: "Attachment Circuit bound to different remote Attachment Circuit",
  30: "Connection refused because of TDM PW parameters; the Error Code indicates the problem",
  31: "Sequencing not supported",
};

/** Result codes of MSEN, RFC 4045. */
export const MSEN_RESULTS: Readonly<Record<number, string>> = {
  1: "No multicast traffic for the group",
  2: "Session terminated for the reason indicated in the error code",
  3: "No more receivers",
  4: "No more receivers (filter-mode change)",
};

/** General error codes, RFC 2661 §4.4.2 and RFC 3931 §5.4.2. */
export const GENERAL_ERRORS: Readonly<Record<number, string>> = {
  0: "No general error",
  1: "No control connection exists yet for this LAC-LNS pair",
  2: "Length is wrong",
  3: "One of the field values was out of range or reserved field was non-zero",
  4: "Insufficient resources to handle this operation now",
  5: "The Session ID is invalid in this context",
  6: "A generic vendor-specific error occurred",
  7: "Try another: if other destinations are known, try one of them",
  8: "Session or tunnel was shut down due to receipt of an unknown AVP with the M bit set; the Error Message should name the attribute",
  9: 'Try another directed: Error Message is a list of addresses separated by exactly ", " (IPv6 literals in [ ])',
  10: "Next hop unreachable",
  11: "Next hop busy",
  12: "TSA busy",
};

/** Error codes with CDN result 30, RFC 5611. */
export const TDM_ERRORS: Readonly<Record<number, string>> = {
  0: "Reserved",
  1: "Bit Rate values disagree",
  2: "Different trunk types in the case of trunk-specific CESoPSN with CAS",
  3: "Requested payload size too big or too small",
  4: "RTP header cannot be generated",
  5: "Requested timestamp clock frequency cannot be generated",
};

/** PPP disconnect codes, RFC 3145 §3. */
export const PPP_DISCONNECT_TEXTS: Readonly<Record<number, string>> = {
  0: "No information available",
  1: "Administrative disconnect",
  2: "LCP renegotiation at LNS disabled; LNS expects proxy LCP information, LAC did not send it",
  3: "Normal disconnection, LCP Terminate-Request sent",
  4: "Compulsory encryption required by a PPP peer was refused by the other",
  5: "FSM timeout error (PPP event TO-)",
  6: "No recognizable LCP packets were received",
  7: "LCP failure: Magic Number error; link possibly looped back",
  8: "LCP link failure: Echo Request timeout",
  9: "Peer has unexpected Endpoint-Discriminator for existing MP bundle",
  10: "Peer has unexpected MRRU for existing MP bundle",
  11: "Peer has unexpected Short-Sequence-Number option for existing MP bundle",
  12: "Compulsory call-back required by a PPP peer was refused by the other",
  13: "FSM timeout error",
  14: "Peer has unexpected authenticated name for existing MP bundle",
  15: "Authentication protocol unacceptable",
  16: "Authentication failed (bad name, password, or secret)",
  17: "FSM timeout error",
  18: "No NCPs available (all disabled or rejected)",
  19: "Failed to converge on acceptable addresses",
  20: "User not permitted to use any addresses",
};

/** Causes of ITU-T Q.850, as far as they are usually seen. */
export const Q931_CAUSES: Readonly<Record<number, string>> = {
  1: "Unallocated (unassigned) number",
  2: "No route to specified transit network",
  3: "No route to destination",
  6: "Channel unacceptable",
  7: "Call awarded and being delivered in an established channel",
  16: "Normal call clearing",
  17: "User busy",
  18: "No user responding",
  19: "No answer from user (user alerted)",
  20: "Subscriber absent",
  21: "Call rejected",
  22: "Number changed",
  26: "Non-selected user clearing",
  27: "Destination out of order",
  28: "Invalid number format (address incomplete)",
  29: "Facility rejected",
  30: "Response to STATUS ENQUIRY",
  31: "Normal, unspecified",
  34: "No circuit/channel available",
  38: "Network out of order",
  41: "Temporary failure",
  42: "Switching equipment congestion",
  43: "Access information discarded",
  44: "Requested circuit/channel not available",
  47: "Resource unavailable, unspecified",
  49: "Quality of service unavailable",
  50: "Requested facility not subscribed",
  57: "Bearer capability not authorized",
  58: "Bearer capability not presently available",
  63: "Service or option not available, unspecified",
  65: "Bearer capability not implemented",
  66: "Channel type not implemented",
  69: "Requested facility not implemented",
  70: "Only restricted digital information bearer capability is available",
  79: "Service or option not implemented, unspecified",
  81: "Invalid call reference value",
  82: "Identified channel does not exist",
  83: "A suspended call exists, but this call identity does not",
  84: "Call identity in use",
  85: "No call suspended",
  86: "Call having the requested call identity has been cleared",
  88: "Incompatible destination",
  91: "Invalid transit network selection",
  95: "Invalid message, unspecified",
  96: "Mandatory information element is missing",
  97: "Message type non-existent or not implemented",
  98: "Message not compatible with call state or message type non-existent",
  99: "Information element non-existent or not implemented",
  100: "Invalid information element contents",
  101: "Message not compatible with call state",
  102: "Recovery on timer expiry",
  111: "Protocol error, unspecified",
  127: "Interworking, unspecified",
};

/** Message types of ITU-T Q.931. */
export const Q931_MESSAGES: Readonly<Record<number, string>> = {
  1: "ALERTING",
  2: "CALL PROCEEDING",
  3: "PROGRESS",
  5: "SETUP",
  7: "CONNECT",
  13: "SETUP ACKNOWLEDGE",
  15: "CONNECT ACKNOWLEDGE",
  69: "DISCONNECT",
  70: "RESTART",
  77: "RELEASE",
  78: "RESTART ACKNOWLEDGE",
  90: "RELEASE COMPLETE",
  110: "NOTIFY",
  117: "STATUS ENQUIRY",
  123: "INFORMATION",
  125: "STATUS",
};
