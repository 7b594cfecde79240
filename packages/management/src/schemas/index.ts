/** All schemas by name. */
export {
  drainRequest,
  endRequest,
  logLevelRequest,
  reloadReport,
  reloadRequest,
  reloadStep,
  traceRequest,
} from "./commands.ts";
export { dialPeer, dialTarget, peerSummary, poolStatus } from "./peer.ts";
export { closedSession, pppStatus, sessionDetail, sessionSummary } from "./session.ts";
export { drainStatus, limit, logLevel, status, traceStatus, wire } from "./status.ts";
export { channel, closedTunnel, tunnelDetail, tunnelSummary } from "./tunnel.ts";
export { ending, loggedMessage, reason, socketAddress } from "./values.ts";
