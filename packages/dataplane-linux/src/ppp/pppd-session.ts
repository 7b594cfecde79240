/** Pseudowire `ppp`: a PPP session whose frames pppd answers, with an interface pppN. */
import type { InterfaceAddress, SessionPlaneParameters } from "@l2tp/dataplane";
import { link as links, pppd } from "@l2tp/linux";
import { kernelError } from "../failure.ts";
import type { KernelSession } from "../session-kind.ts";
import type { PppHost } from "./host.ts";
import { KernelPppSession } from "./kernel-session.ts";

/** The socket, and what pppd says on two streams. */
const DESCRIPTORS = 3;

/**
 * Makes the session and starts pppd on it; resolves when pppd has made its interface. On failure nothing is left.
 * @throws PlaneError `invalid-parameters`, `not-available`, `limit`, `id-in-use`, `system` with what pppd said last
 */
export async function createPppdSession(
  host: PppHost,
  parameters: SessionPlaneParameters,
): Promise<KernelSession> {
  const { what, kernel, carrier } = host;
  const plan = planOf(host, parameters);
  host.descriptors.take(DESCRIPTORS, what);
  let kernelSession: KernelPppSession | undefined;
  try {
    kernelSession = await KernelPppSession.create(host, parameters);
    const { sessionId } = parameters;
    const line = {
      by: "plugin",
      socket: kernelSession.socket.fd,
      tunnelId: carrier.tunnelId,
      sessionId,
    } as const;
    const running = await pppd.PppdSession.start(
      {
        namespace: kernel,
        log: (text) => host.log(text),
        lost: (reason) => host.lost(reason),
        addressesChanged: (name, addresses) => host.addressesChanged(name, addresses),
        refuseLoop: (index, name) => host.refuseLoop(index, name),
      },
      line,
      plan,
    );
    return new PluginSession(host, kernelSession, running);
  } catch (error) {
    await kernelSession?.remove();
    host.descriptors.release(DESCRIPTORS);
    throw kernelError(error, what);
  }
}

/** @throws PlaneError */
function planOf(
  { what, mtuOctets }: PppHost,
  { interface: wanted, ppp = {} }: SessionPlaneParameters,
): pppd.PppdPlan {
  try {
    return pppd.planPppd({ mtuOctets, interface: wanted, ...ppp });
  } catch (error) {
    throw kernelError(error, what);
  }
}

class PluginSession implements KernelSession {
  readonly #host: PppHost;
  readonly #kernelSession: KernelPppSession;
  readonly #pppd: pppd.PppdSession;
  #removing: Promise<void> | undefined;

  constructor(host: PppHost, kernelSession: KernelPppSession, running: pppd.PppdSession) {
    this.#host = host;
    this.#kernelSession = kernelSession;
    this.#pppd = running;
  }

  get interfaceName(): string | undefined {
    return this.#pppd.interfaceName;
  }

  /** None: pppd takes its interface with it and says why, which is more than that it is gone. */
  get interfaceIndex(): undefined {
    return undefined;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#pppd.addresses;
  }

  async setMtu(mtuOctets: number): Promise<void> {
    const { interfaceIndex: index } = this.#pppd;
    if (index !== undefined) await this.#host.kernel.route.run(links.set({ index }, { mtuOctets }));
  }

  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  async #remove(): Promise<void> {
    // Without the session nobody hears pppd say goodbye.
    const heard = this.#pppd.running && (await this.#kernelSession.isThere().catch(() => false));
    await this.#pppd.stop({ quickly: !heard });
    await this.#kernelSession.remove();
    this.#host.descriptors.release(DESCRIPTORS);
  }
}
