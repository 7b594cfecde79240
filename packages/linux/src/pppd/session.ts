/** pppd at work on one session: from its start until it has its interface, what becomes of that, and how it ends. */
import type { SettingsAddress } from "../interface-settings.ts";
import { interfaceIndex } from "../sockaddr.ts";
import { PppdError } from "./error.ts";
import { explainPppdExit, type ProcessExit } from "./exit.ts";
import { interfacesOf, type PppInterfaceState } from "./interfaces.ts";
import { readInterfaceLine } from "./output.ts";
import { findPppd, Pppd, type PppdLine, readPppdOptions } from "./process.ts";

/** pppd makes its interface before it says anything to the peer: within a second, on a slow machine ten. */
const INTERFACE_MS = 30_000;
/** When nobody would hear what pppd says to the peer. */
const QUICK_MS = 2000;
/** An interface that goes is followed by pppd's end, which says why. */
const LAST_WORD_MS = 2000;
/** pppd sets a default route, where it is to, after the addresses. */
const ROUTES_MS = 1000;
/** What the kernel calls them by itself. */
const USUAL_NAME = "ppp%d";
/** pppd's exit code for options that are wrong. */
const WRONG_OPTIONS = 2;

/** The settings of an interface, as those of PPP have them or not. */
export interface PppdInterfaceWish {
  readonly name?: string;
  readonly macAddress?: string;
  readonly bridge?: string;
  readonly addresses?: readonly SettingsAddress[];
  readonly up?: boolean;
}

/** What a session wants of pppd. */
export interface PppdWish {
  readonly mtuOctets: number;
  readonly interface?: PppdInterfaceWish | undefined;
  /** Path of a file with options. */
  readonly optionsFile?: string | undefined;
  readonly options?: readonly string[] | undefined;
  /** Path of the program. */
  readonly program?: string | undefined;
}

/** Who has pppd run. */
export interface PppdOwner {
  /** Stands for a network namespace, the session's: one listener serves all sessions with the same. */
  readonly namespace: { inNamespace<T>(work: () => T): T };
  /** A line for people, without secrets: what pppd says. */
  log(line: string): void;
  /** pppd has ended by itself, or its interface is gone. Once, and not before {@link PppdSession.start} has resolved. */
  lost(reason: string): void;
  /** Addresses have been negotiated, or are gone. */
  addressesChanged(interfaceName: string, addresses: readonly SettingsAddress[]): void;
  /** @throws an error with `code` "route-through-itself" when the peer is reached through this interface. */
  refuseLoop(interfaceIndex: number, interfaceName: string): Promise<void>;
}

const invalid = (message: string) => new PppdError("ERR_PPPD_OPTIONS", message);

/**
 * What of the interface's settings pppd is told.
 * @throws {@link PppdError} `ERR_PPPD_OPTIONS` for what a PPP interface does not have
 */
export function interfaceOptions(wanted: PppdInterfaceWish = {}): string[] {
  const { name, macAddress, bridge, addresses = [], up = true } = wanted;
  if (macAddress !== undefined) throw invalid("a PPP interface has no MAC address");
  if (bridge !== undefined) throw invalid("a PPP interface carries no Ethernet and joins no bridge");
  if (!up) throw invalid('pppd brings the interface up when IP has been negotiated; "up" cannot be false');
  if (name !== USUAL_NAME && name?.includes("%")) {
    throw invalid(`interface name "${name}": pppd wants a whole name; leave it out to have ppp%d`);
  }
  const [first, ...rest] = addresses;
  if (rest.length > 0 || first?.address.includes(":")) {
    throw invalid("PPP negotiates one IPv4 address; IPv6 and further ones are for /etc/ppp/ip-up");
  }
  return [
    ...(name === undefined || name === USUAL_NAME ? [] : ["ifname", name]),
    ...(first === undefined ? [] : [`${first.address}:${first.peer ?? ""}`]),
  ];
}

/** pppd's options and its program, found to be possible. */
export interface PppdPlan {
  readonly program: string;
  /** In this order, as the last wins: what follows from the path, the interface's settings, pppd's own options. */
  readonly options: readonly string[];
}

/**
 * Checks what is wanted before anything is made.
 * @throws {@link PppdError} `ERR_PPPD_OPTIONS`, `ERR_PPPD_MISSING`
 */
export function planPppd({
  mtuOctets,
  interface: wanted,
  optionsFile,
  options = [],
  program,
}: PppdWish): PppdPlan {
  const mtu = String(mtuOctets);
  return {
    options: [
      ...["mtu", mtu, "mru", mtu],
      ...interfaceOptions(wanted),
      ...readPppdOptions(optionsFile, options),
    ],
    program: findPppd(program),
  };
}

export class PppdSession {
  readonly #owner: PppdOwner;
  readonly #pppd: Pppd;
  readonly #listening: Disposable;
  #state: PppInterfaceState | undefined;
  #index: number | undefined;
  #following: Disposable | undefined;
  #routesLater: NodeJS.Timeout | undefined;
  #lostLater: NodeJS.Timeout | undefined;
  #told = false;

  private constructor(owner: PppdOwner, pppd: Pppd, listening: Disposable) {
    this.#owner = owner;
    this.#pppd = pppd;
    this.#listening = listening;
  }

  /**
   * Starts pppd on a line; resolves when it has made its interface. On failure nothing is left.
   * @throws {@link PppdError} `ERR_PPPD_FAILED`, `ERR_PPPD_OPTIONS` with what pppd said last; {@link SyscallError}
   */
  static async start(owner: PppdOwner, line: PppdLine, { program, options }: PppdPlan): Promise<PppdSession> {
    const { namespace } = owner;
    let named: (name: string) => void = () => {};
    const interfaceMade = new Promise<string>((resolve) => {
      named = resolve;
    });
    // Before the interface is made, so that nothing of it is missed.
    const listening = interfacesOf(namespace).use();
    let pppd: Pppd;
    try {
      pppd = await Pppd.start({
        line,
        program,
        options,
        inNamespace: (work) => namespace.inNamespace(work),
        onLine: (text) => {
          owner.log(`pppd: ${text}`);
          // Later renamings come from rtnetlink.
          const read = readInterfaceLine(text);
          if (read !== undefined) named(read.name);
        },
      });
    } catch (error) {
      listening[Symbol.dispose]();
      throw error;
    }
    const session = new PppdSession(owner, pppd, listening);
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        const text = `pppd has made no interface within ${INTERFACE_MS / 1000} s`;
        timer = setTimeout(() => reject(new PppdError("ERR_PPPD_FAILED", text)), INTERFACE_MS);
      });
      const failed = pppd.ended.then((exit) => {
        const code = exit.code === WRONG_OPTIONS ? "ERR_PPPD_OPTIONS" : "ERR_PPPD_FAILED";
        throw new PppdError(code, session.#explain(exit));
      });
      await session.#follow(await Promise.race([interfaceMade, failed, late]));
    } catch (error) {
      await session.stop({ quickly: true });
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
    const { namespace } = this.#owner;
    // The name is looked up in the turn in which pppd has said it; were it renamed already, ENODEV would be told.
    const index = namespace.inNamespace(() => interfaceIndex(name));
    this.#following = await interfacesOf(namespace).follow(index, {
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
    this.#owner.addressesChanged(state.name, state.addresses);
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
      await this.#owner.refuseLoop(index, name);
    } catch (error) {
      if ((error as { code?: unknown }).code === "route-through-itself") this.#lost((error as Error).message);
    }
  }

  #lost(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#owner.lost(reason);
  }

  /** As it is called now. */
  get interfaceName(): string | undefined {
    return this.#state?.name;
  }

  get interfaceIndex(): number | undefined {
    return this.#index;
  }

  get addresses(): readonly SettingsAddress[] {
    return this.#state?.addresses ?? [];
  }

  /** Whether pppd runs. */
  get running(): boolean {
    return this.#pppd.running;
  }

  /** pppd's process ID. */
  get pid(): number {
    return this.#pppd.pid;
  }

  /**
   * Ends pppd, which says goodbye to the peer; nothing is told any more. Resolves when it has ended.
   * @param quickly - nobody would hear it: it is not given the time.
   */
  async stop({ quickly = false } = {}): Promise<void> {
    this.#told = true;
    clearTimeout(this.#lostLater);
    clearTimeout(this.#routesLater);
    this.#following?.[Symbol.dispose]();
    await this.#pppd.stop(quickly ? QUICK_MS : undefined);
    this.#listening[Symbol.dispose]();
  }
}
