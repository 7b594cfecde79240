/** This machine as a site: for processes that need no namespace of their own. */
import { spawn } from "node:child_process";
import type { Site } from "@l2tp/lab";

export const here: Pick<Site, "name" | "start"> = {
  name: "here",
  start: (command, args, options = {}) => spawn(command, args, options),
};
