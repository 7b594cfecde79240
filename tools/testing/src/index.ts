export { type Declare, type Need, needs } from "./needs.ts";
export { seeds } from "./seeds.ts";
