/** Pseudowire `ppp`: a PPP session whose frames pppd answers, with an interface pppN. */
import {
  type EthernetInterface,
  type InterfaceAddress,
  PlaneError,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { interfaceIndex, link as links } from "@l2tp/linux";
import { kernelError } from "../failure.ts";
import type { KernelSession } from "../session-kind.ts";
import type { PppHost } from "./host.ts";
import { interfacesOf, type PppInterfaceState } from "./interfaces.ts";
import { KernelPppSession } from "./kernel-session.ts";
import { findPppd, Pppd, readPppdOptions } from "./pppd.ts";
import { explainPppdExit, type ProcessExit } from "./pppd-exit.ts";
import { readInterfaceLine } from "./pppd-output.ts";

/** pppd makes its interface before it says anything to the peer: within a second, on a slow machine ten. */
const INTERFACE_MS = 30_000;
/** When the session is out of the kernel, what pppd says to the peer is heard by nobody. */
const QUICK_MS = 2000;
/** An interface that goes is followed by pppd's end, which says why. */
const LAST_WORD_MS = 2000;

/** The socket, and what pppd says on two streams. */
const DESCRIPTORS = 3;
/** pppd sets a default route, where it is to, after the addresses. */
const ROUTES_MS = 1000;

/** What the kernel calls them by itself. */
const USUAL_NAME = "ppp%d";
/** pppd's exit code for options that are wrong. */
const WRONG_OPTIONS = 2;

const invalid = (message: string) => new PlaneError("invalid-parameters", message);

/**
 * What of the interface's settings pppd is told.
 * @throws PlaneError `invalid-parameters` for what a PPP interface does not have
 */
export function interfaceOptions(what: string, wanted: EthernetInterface = {}): string[] {
  const { name, macAddress, bridge, addresses = [], up = true } = wanted;
  if (macAddress !== undefined) throw invalid(`${what}: a PPP interface has no MAC address`);
  if (bridge !== undefined) throw invalid(`${what}: a PPP interface carries no Ethernet and joins no bridge`);
  if (!up)
    throw invalid(`${what}: pppd brings the interface up when IP has been negotiated; "up" cannot be false`);
  if (name !== USUAL_NAME && name?.includes("%")) {
    throw invalid(`${what}: interface name "${name}": pppd wants a whole name; leave it out to have ppp%d`);
  }
  const [first, ...rest] = addresses;
  if (rest.length > 0 || first?.address.includes(":")) {
    throw invalid(`${what}: PPP negotiates one IPv4 address; IPv6 and further ones are for /etc/ppp/ip-up`);
  }
  return [
    ...(name === undefined || name === USUAL_NAME ? [] : ["ifname", name]),
    ...(first === undefined ? [] : [`${first.address}:${first.peer ?? ""}`]),
  ];
}

/**
 * Makes the session and starts pppd on it; resolves when pppd has made its interface. On failure nothing is left.
 * @throws PlaneError `invalid-parameters`, `not-available`, `limit`, `id-in-use`, `system` with what pppd said last
 */
export async function createPppdSession(
  host: PppHost,
  parameters: SessionPlaneParameters,
): Promise<KernelSession> {
  const { what } = host;
  const options = optionsOf(host, parameters);
  const program = findPppd(parameters.ppp?.program);
  host.descriptors.take(DESCRIPTORS, what);
  const interfaces = interfacesOf(host.kernel);
  let kernelSession: KernelPppSession | undefined;
  let listening: Disposable | undefined;
  try {
    kernelSession = await KernelPppSession.create(host, parameters);
    listening = interfaces.use();
    const session = await PppdSession.start(host, parameters, { kernelSession, listening, program, options });
    return session;
  } catch (error) {
    listening?.[Symbol.dispose]();
    await kernelSession?.remove();
    host.descriptors.release(DESCRIPTORS);
    throw kernelError(error, what);
  }
}

/** In this order, as the last wins: what follows from the path, the interface's settings, pppd's own options. */
function optionsOf(
  { what, mtuOctets }: PppHost,
  { interface: wanted, ppp = {} }: SessionPlaneParameters,
): string[] {
  const mtu = String(mtuOctets);
  return [
    ...["mtu", mtu, "mru", mtu],
    ...interfaceOptions(what, wanted),
    ...readPppdOptions(ppp.optionsFile, ppp.options ?? []),
  ];
}

/** What a session is made of before pppd runs. */
interface Parts {
  readonly kernelSession: KernelPppSession;
  readonly listening: Disposable;
  readonly program: string;
  readonly options: readonly string[];
}

class PppdSession implements KernelSession {
  readonly #host: PppHost;
  readonly #parts: Parts;
  readonly #pppd: Pppd;
  #state: PppInterfaceState | undefined;
  #index: number | undefined;
  #following: Disposable | undefined;
  #routesLater: NodeJS.Timeout | undefined;
  #lostLater: NodeJS.Timeout | undefined;
  #told = false;
  #removing: Promise<void> | undefined;

  private constructor(host: PppHost, parts: Parts, pppd: Pppd) {
    this.#host = host;
    this.#parts = parts;
    this.#pppd = pppd;
  }

  static async start(
    host: PppHost,
    { sessionId }: SessionPlaneParameters,
    parts: Parts,
  ): Promise<PppdSession> {
    const { kernel, carrier, what } = host;
    const { kernelSession, program, options } = parts;
    let named: (name: string) => void = () => {};
    const interfaceMade = new Promise<string>((resolve) => {
      named = resolve;
    });
    const pppd = await Pppd.start({
      socket: kernelSession.socket.fd,
      tunnelId: carrier.tunnelId,
      sessionId,
      program,
      options,
      inNamespace: (work) => kernel.inNamespace(work),
      onLine: (line) => {
        host.log(`pppd: ${line}`);
        // Later renamings come from rtnetlink.
        const read = readInterfaceLine(line);
        if (read !== undefined) named(read.name);
      },
    });
    const session = new PppdSession(host, parts, pppd);
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        const text = `${what}: pppd has made no interface within ${INTERFACE_MS / 1000} s`;
        timer = setTimeout(() => reject(new PlaneError("system", text)), INTERFACE_MS);
      });
      const failed = pppd.ended.then((exit) => {
        const code = exit.code === WRONG_OPTIONS ? "invalid-parameters" : "system";
        throw new PlaneError(code, `${what}: ${session.#explain(exit)}`);
      });
      await session.#follow(await Promise.race([interfaceMade, failed, late]));
    } catch (error) {
      session.#told = true;
      session.#following?.[Symbol.dispose]();
      await pppd.stop(QUICK_MS);
      throw error;
    } finally {
      clearTimeout(timer);
    }
    // In a turn of its own: whoever asked for the session has it by then, and not before.
    void pppd.ended.then((exit) => setImmediate(() => session.#lost(session.#explain(exit))));
    return session;
  }

  /** With what it said last, unless it said nothing. */
  #explain(exit: ProcessExit): string {
    const said = this.#pppd.lastLines.filter((line) => line !== "Exit.");
    const text = explainPppdExit(exit);
    return said.length === 0 ? text : `${text}; it said last: ${said.join(" | ")}`;
  }

  async #follow(name: string): Promise<void> {
    const { kernel } = this.#host;
    // The name is looked up in the turn in which pppd has said it; were it renamed already, ENODEV would be told.
    const index = kernel.inNamespace(() => interfaceIndex(name));
    this.#following = await interfacesOf(kernel).follow(index, {
      changed: (state) => this.#changed(state),
      gone: () => {
        // pppd's end follows and says why; where it does not, that is what there is to say.
        const text = `the interface ${this.interfaceName ?? name} was deleted`;
        this.#lostLater ??= setTimeout(() => this.#lost(text), LAST_WORD_MS);
      },
    });
    this.#index = index;
  }

  #changed(state: PppInterfaceState): void {
    const before = this.#state;
    this.#state = state;
    const key = (of: PppInterfaceState | undefined) => JSON.stringify(of?.addresses ?? []);
    if (key(before) === key(state)) return;
    this.#host.addressesChanged(state.name, state.addresses);
    if (state.addresses.length === 0) return;
    void this.#checkLoop();
    this.#routesLater ??= setTimeout(() => void this.#checkLoop(), ROUTES_MS).unref();
  }

  /** The peer's PPP address may be its address outside, or pppd sets a default route: then packets would go round. */
  async #checkLoop(): Promise<void> {
    const index = this.#index;
    const name = this.interfaceName;
    if (index === undefined || name === undefined || this.#told) return;
    try {
      await this.#host.refuseLoop(index, name);
    } catch (error) {
      if ((error as { code?: unknown }).code === "route-through-itself") this.#lost((error as Error).message);
    }
  }

  #lost(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#host.lost(reason);
  }

  get interfaceName(): string | undefined {
    return this.#state?.name;
  }

  /** None: pppd takes its interface with it and says why, which is more than that it is gone. */
  get interfaceIndex(): undefined {
    return undefined;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#state?.addresses ?? [];
  }

  async setMtu(mtuOctets: number): Promise<void> {
    if (this.#index === undefined) return;
    await this.#host.kernel.route.run(links.set({ index: this.#index }, { mtuOctets }));
  }

  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  async #remove(): Promise<void> {
    this.#told = true;
    clearTimeout(this.#lostLater);
    clearTimeout(this.#routesLater);
    this.#following?.[Symbol.dispose]();
    const { kernelSession, listening } = this.#parts;
    // Without the session nobody hears pppd say goodbye: it is not given the time.
    const orderly = this.#pppd.running && (await kernelSession.isThere().catch(() => false));
    await this.#pppd.stop(orderly ? undefined : QUICK_MS);
    await kernelSession.remove();
    listening[Symbol.dispose]();
    this.#host.descriptors.release(DESCRIPTORS);
  }
}
