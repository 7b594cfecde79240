export { type Declare, missing, type Need, needs } from "./needs.ts";
export { seeds } from "./seeds.ts";
