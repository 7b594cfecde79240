/** The two configurations of the demonstration, and what its scene must be for them to work as they are. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ConfiguredTunnelConfig, InterfaceAddressConfig } from "@l2tp/config";
import { readConfig } from "../config-file.ts";
import { EXIT, ExitError } from "../exit-codes.ts";

/** One end. */
export interface End {
  readonly title: "site A" | "site B";
  readonly file: string;
  readonly tunnel: string;
  /** Where the tunnel listens: the scene gives this address to the cable's end. */
  readonly outer: { readonly family: 4 | 6; readonly address: string; readonly port: number };
  /** What the daemon gives to the pseudowire's interface. */
  readonly inner: InterfaceAddressConfig;
}

/** The repository's folder `examples`, somewhere above this file; or the copy that an installed package brings. */
function exampleFile(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const folders: string[] = [];
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) folders.push(folder);
  const files = [...folders, here].map((folder) => join(folder, "examples", name));
  const found = files.find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new ExitError(EXIT.noInput, `the example ${name} is in no folder "examples" from ${here} upwards`);
}

/** @throws ExitError when the examples are not what the demonstration needs. */
export function readEnds(): readonly [End, End] {
  return [readEnd("site A", "l2tpv3-ethernet-a.toml"), readEnd("site B", "l2tpv3-ethernet-b.toml")];
}

function readEnd(title: End["title"], name: string): End {
  const file = exampleFile(name);
  const { config } = readConfig(file);
  const tunnel = config.tunnels.find((one): one is ConfiguredTunnelConfig => one.mode !== "dynamic");
  const session = tunnel?.sessions.find(({ pseudowire }) => pseudowire === "eth");
  const inner = session?.interface.addresses?.find(({ address }) => address.includes("."));
  if (!tunnel?.local || !inner) {
    throw new ExitError(
      EXIT.configuration,
      `${file}: the demonstration needs a static or quiescent tunnel with a local address, and an Ethernet session with an IPv4 address`,
    );
  }
  return { title, file, tunnel: tunnel.name, outer: tunnel.local, inner };
}
