/**
 * Network namespaces (network_namespaces(7), setns(2)): a thread is in one, a socket or TUN/TAP interface belongs
 * to the one that its maker's thread was in, and stays there. So a process with one thread in one namespace can
 * serve any number of them: it enters, opens, and returns.
 */
import { mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { CLONE_NEWNET, MNT_DETACH, MS_BIND, MS_REC, MS_SHARED, O_CREAT, O_EXCL, O_RDONLY } from "./abi.ts";
import { ClosedError, SyscallError } from "./errors.ts";
import { close, mount, open, setns, umount2, unshare } from "./sys.ts";
import type { Fd } from "./syscalls.ts";

/** The calling thread's own; `/proc/self` would be the main thread's. */
const OWN = "/proc/thread-self/ns/net";
/** Where `ip netns` keeps the named ones. */
const NAMED = "/run/netns";

/** What tells one namespace from another on this machine, while it lives. */
export interface NamespaceId {
  readonly device: bigint;
  readonly inode: bigint;
}

/** The network namespace of the calling thread, or the one behind a path or descriptor. */
export function namespaceId(of: string | Fd = OWN): NamespaceId {
  const { dev, ino } = statSync(typeof of === "number" ? `/proc/thread-self/fd/${of}` : of, { bigint: true });
  return { device: dev, inode: ino };
}

/** Whether the two are the same namespace. */
export function sameNamespace(a: NamespaceId, b: NamespaceId): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/** An open namespace: it lives at least as long as this is open. */
export class NetworkNamespace implements Disposable {
  /** What it was opened by, for messages. */
  readonly name: string;
  readonly #fd: Fd;
  #open = true;

  /** @param fd - owned from here on. Applications call {@link openNamespace} and {@link createNamespace}. */
  constructor(fd: Fd, name: string) {
    this.#fd = fd;
    this.name = name;
  }

  /** @throws {@link ClosedError} */
  get fd(): Fd {
    if (!this.#open) throw new ClosedError(`the network namespace ${this.name} is closed`);
    return this.#fd;
  }

  get id(): NamespaceId {
    return namespaceId(this.fd);
  }

  /** {@link withNamespace} of this namespace. */
  run<T>(work: () => T): T {
    return withNamespace(this.fd, work);
  }

  /** Idempotent. The namespace goes with its last process, descriptor and mount. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a network namespace: by path, by the name that `ip netns add` gave it, of a process, or the calling thread's own.
 * @throws {@link SyscallError} ENOENT when there is none, EACCES for another user's process.
 */
export function openNamespace(
  which: { readonly path: string } | { readonly name: string } | { readonly pid: number } | "own" = "own",
): NetworkNamespace {
  if (which === "own") return new NetworkNamespace(open(OWN, O_RDONLY), "own");
  if ("pid" in which)
    return new NetworkNamespace(open(`/proc/${which.pid}/ns/net`, O_RDONLY), `pid ${which.pid}`);
  if ("path" in which) return new NetworkNamespace(open(which.path, O_RDONLY), which.path);
  return new NetworkNamespace(open(namedPath(which.name), O_RDONLY), which.name);
}

function namedPath(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    throw new TypeError(`"${name}" is no name of a network namespace: expected a file name`);
  }
  return `${NAMED}/${name}`;
}

/** The names in /run/netns, as `ip netns list` shows them; empty where that folder is not there. */
export function listNamespaces(): string[] {
  try {
    return readdirSync(NAMED);
  } catch {
    return [];
  }
}

/** Where the thread was before it entered any: open while it is elsewhere. */
let outermost: Fd | undefined;

/**
 * Runs synchronous work where the thread was before any {@link withNamespace}. For what must not inherit a namespace
 * entered for a moment: a new thread would stay in it, and keep it alive, for good.
 */
export function outsideNamespaces<T>(work: () => T): T {
  return outermost === undefined ? work() : withNamespace(outermost, work);
}

/**
 * Finds out whether the thread may come back, before it leaves: root in a user namespace that its network namespace does
 * not belong to may make others and enter them, and would be left in one for good.
 */
function requireWayBack(home: Fd): void {
  setns(home, CLONE_NEWNET, "own network namespace");
}

/**
 * Runs synchronous work in another network namespace, on this thread, and always returns to the one it came from:
 * what it opens belongs there. While it runs, nothing else of this thread does, so no other code is affected.
 *
 * @param fd - see {@link NetworkNamespace.fd}.
 * @param work - synchronous: after an `await` it would be back, so a promise is refused.
 * @throws {@link SyscallError} EPERM without CAP_SYS_ADMIN in the namespace's user namespace and one's own.
 * @throws TypeError when the work returns a promise.
 */
export function withNamespace<T>(fd: Fd, work: () => T): T {
  const home = open(OWN, O_RDONLY);
  const first = outermost === undefined;
  if (first) outermost = home;
  try {
    // Where it is now it has entered already, unless this is the outermost.
    if (first) requireWayBack(home);
    setns(fd, CLONE_NEWNET, "network namespace");
    let result: T;
    try {
      result = work();
    } finally {
      // Were this to fail, the thread would go on in the wrong namespace: the error must not be caught lightly.
      setns(home, CLONE_NEWNET, "return to the own network namespace");
    }
    if (result instanceof Promise) {
      throw new TypeError(
        "withNamespace: the work must be synchronous; what it awaits would run in the old namespace",
      );
    }
    return result;
  } finally {
    if (first) outermost = undefined;
    close(home);
  }
}

/**
 * Makes a network namespace, empty but for a loopback interface that is down.
 *
 * @param name - as `ip netns add` takes it: it then stays under /run/netns until {@link deleteNamespace}. Without
 * a name it is held by the descriptor alone and goes with it.
 * @throws {@link SyscallError} EPERM without CAP_SYS_ADMIN, EEXIST when the name is taken.
 */
export function createNamespace(name?: string): NetworkNamespace {
  const home = open(OWN, O_RDONLY);
  try {
    requireWayBack(home);
    const target = name === undefined ? undefined : prepareMountPoint(name);
    try {
      unshare(CLONE_NEWNET, "network namespace");
      try {
        if (target !== undefined) mount(OWN, target, "none", MS_BIND);
        return new NetworkNamespace(open(OWN, O_RDONLY), name ?? "anonymous");
      } finally {
        setns(home, CLONE_NEWNET, "return to the own network namespace");
      }
    } catch (error) {
      if (target !== undefined) unlinkSync(target);
      throw error;
    }
  } finally {
    close(home);
  }
}

/** As `ip netns add` does: the folder is a shared mount, so that other mount namespaces see what comes and goes. */
function prepareMountPoint(name: string): string {
  const target = namedPath(name);
  mkdirSync(NAMED, { recursive: true, mode: 0o755 });
  try {
    mount("", NAMED, "none", MS_SHARED | MS_REC);
  } catch (error) {
    // EINVAL: not a mount point yet.
    if (!(error instanceof SyscallError) || error.code !== "EINVAL") throw error;
    mount(NAMED, NAMED, "none", MS_BIND | MS_REC);
    mount("", NAMED, "none", MS_SHARED | MS_REC);
  }
  close(open(target, O_RDONLY | O_CREAT | O_EXCL, 0));
  return target;
}

/**
 * Takes a name away, as `ip netns delete` does; the namespace goes when nothing is in it any more.
 * @throws {@link SyscallError} EINVAL or ENOENT when there is none, EPERM without CAP_SYS_ADMIN.
 */
export function deleteNamespace(name: string): void {
  const target = namedPath(name);
  umount2(target, MNT_DETACH);
  unlinkSync(target);
}
