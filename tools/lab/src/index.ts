export { FrameSocket } from "./frame-socket.ts";
export { CABLE, Host, Lab } from "./lab.ts";
export { Site } from "./site.ts";
export { Stranger } from "./stranger.ts";
export { until } from "./until.ts";
