/** The interface of a PPP session, pppN: a unit of the kernel's PPP driver, made when network protocols come up. */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { PlaneError } from "@l2tp/dataplane";
import { type Fd, link as links, ppp, Reactor, sys } from "@l2tp/linux";
import { isErrno, kernelError } from "../failure.ts";
import type { PppHost } from "./host.ts";

/** The kernel makes one at a time, and says so to the others. */
const BUSY_ATTEMPTS = 200;
const BUSY_PAUSE_MS = 5;

export interface Unit {
  readonly fd: Fd;
  readonly name: string;
  readonly index: number;
}

/**
 * Makes a unit whose packets are dropped, and lets a channel carry its frames. On failure nothing is left.
 * @param channel - descriptor of the session's channel.
 * @throws PlaneError `name-in-use`, …
 */
export async function createUnit(host: PppHost, channel: Fd, wanted: string | undefined): Promise<Unit> {
  const { kernel, what } = host;
  const fd = kernel.inNamespace(() => ppp.openPpp());
  try {
    await addLink(host, fd, wanted ?? "");
    const number = await ppp.unitNumberLater(fd);
    const name = wanted === undefined || wanted === "ppp%d" ? `ppp${number}` : wanted;
    const { index } = await kernel.route.run(links.get({ name }));
    await ppp.setNetworkMode(fd, IPV4, "drop");
    await ppp.setNetworkMode(fd, IPV6, "drop");
    await ppp.connectChannelLater(channel, number);
    return { fd, name, index };
  } catch (error) {
    await closeDescriptor(fd);
    throw kernelError(error, `${what}: its interface`);
  }
}

/** Numbers of the network protocols, as the driver knows them. */
export const IPV4 = 0x0021;
export const IPV6 = 0x0057;

async function addLink({ kernel, what }: PppHost, fd: Fd, name: string): Promise<void> {
  const request = links.add({ name: name === "ppp%d" ? "" : name, kind: "ppp", data: ppp.unitData(fd) });
  for (let attempt = 1; ; attempt++) {
    try {
      await kernel.route.run(request);
      return;
    } catch (error) {
      if (isErrno(error, "EEXIST")) {
        const text = `${what}: there is an interface of the name ${name} already; choose another name`;
        throw new PlaneError("name-in-use", text, { cause: error });
      }
      if (!isErrno(error, "EBUSY") || attempt === BUSY_ATTEMPTS) throw error;
      await delay(BUSY_PAUSE_MS);
    }
  }
}

/** The interface goes with its descriptor; the kernel takes its time. */
async function closeDescriptor(fd: Fd): Promise<void> {
  await Reactor.shared()
    .closeLater(fd)
    .catch(() => {});
}

/** A switch of an interface, in the calling thread's network namespace. */
export function setIpv6Switch(name: string, key: "accept_ra" | "disable_ipv6", value: "0"): void {
  const path = `/proc/sys/net/ipv6/conf/${name}/${key}`;
  try {
    // Mostly it is so, and a change waits for a lock that whoever makes interfaces holds for long.
    if (readFileSync(path, "latin1").trim() !== value) writeFileSync(path, value);
  } catch {
    // No IPv6 here, or /proc is read-only: then it stays as it is, and an address that is refused says so.
  }
}

/** The channel of a PPPoL2TP socket. */
export interface Channel {
  readonly index: number;
  readonly fd: Fd;
}

/** Opens the channel of a socket. On failure nothing is left. @throws SyscallError */
export async function openChannel({ kernel }: PppHost, socket: Fd): Promise<Channel> {
  const index = ppp.channelIndex(socket);
  const fd = kernel.inNamespace(() => ppp.openPpp());
  try {
    await ppp.attachChannelLater(fd, index, kernel.namespace);
    return { index, fd };
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}
