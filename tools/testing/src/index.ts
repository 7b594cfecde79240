export { type Declare, missing, type Need, needs } from "./needs.ts";
export { processorMs } from "./processor-time.ts";
export { seeds } from "./seeds.ts";
