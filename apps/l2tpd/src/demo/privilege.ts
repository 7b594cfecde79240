/**
 * May this process make network namespaces? As root, yes. Without root it may inside a user namespace of its
 * own; Node has threads, and a process with threads cannot enter one, so the program is started again through
 * util-linux's `unshare`, which enters it and becomes the program.
 */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { EXIT, type ExitCode, ExitError } from "../exit-codes.ts";

/** Set in the program that was started again, so that it does not try once more. */
const INSIDE = "L2TPD_DEMO_INSIDE";

/** The arguments to `unshare` before the program. */
const UNSHARE = ["--user", "--map-root-user", "--net"];

/** What decides whether an unprivileged user may make user namespaces, and what it must not be. */
const SWITCHES: readonly { file: string; bad: string; remedy: string }[] = [
  {
    file: "/proc/sys/user/max_user_namespaces",
    bad: "0",
    remedy: "sysctl -w user.max_user_namespaces=10000",
  },
  {
    file: "/proc/sys/kernel/unprivileged_userns_clone",
    bad: "0",
    remedy: "sysctl -w kernel.unprivileged_userns_clone=1",
  },
  {
    file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    bad: "1",
    remedy: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  },
];

/** @throws ExitError when packets could not be carried whatever the privileges. */
export function checkMachine(): void {
  if (process.platform !== "linux") {
    throw new ExitError(
      EXIT.unavailable,
      `the demonstration needs Linux (network namespaces, TAP interfaces), and this is ${process.platform}. ` +
        "What works here: l2tpd --check, l2tpctl decode, and the packages with the mock data plane",
    );
  }
  const tun = "/dev/net/tun";
  if (!existsSync(tun)) {
    throw new ExitError(
      EXIT.unavailable,
      `${tun} is not there, and without it there are no TAP interfaces. ` +
        "On a machine of your own: modprobe tun. In a container: docker run --device /dev/net/tun --cap-add NET_ADMIN --cap-add SYS_ADMIN …",
    );
  }
  try {
    accessSync(tun, constants.R_OK | constants.W_OK);
  } catch {
    throw new ExitError(
      EXIT.noPermission,
      `${tun} may not be opened by this user: chmod 0666 ${tun} as root (its usual mode), or run as root`,
    );
  }
}

/** Whether `error` says that this process may not make namespaces. */
export const isPermission = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "EPERM" || error.code === "EACCES");

/**
 * Starts this program again inside a user namespace and waits for it.
 * @param cause - why it cannot go on as it is.
 * @throws ExitError when user namespaces are not to be had either, with the reason and what to do.
 */
export async function startAgainInUserNamespace(cause: unknown): Promise<ExitCode> {
  const refusal = cause instanceof Error ? cause.message : String(cause);
  if (process.env[INSIDE] !== undefined) throw cannot(refusal, "this is so inside a user namespace, too");
  const trial = spawnSync("unshare", [...UNSHARE, process.execPath, "--version"], { encoding: "utf8" });
  if (trial.error) {
    throw cannot(refusal, "and there is no program unshare to try without root: install util-linux");
  }
  if (trial.status !== 0) throw cannot(refusal, `${trial.stderr.trim() || "unshare failed"}${switches()}`);
  process.stderr.write(
    "l2tpd demo: not allowed to make network namespaces; starting again in a user namespace\n",
  );
  const child = spawn("unshare", [...UNSHARE, process.execPath, ...process.argv.slice(1)], {
    // The pipe is never written to: it ends when we do, and with it the child.
    stdio: ["pipe", "inherit", "inherit"],
    env: { ...process.env, [INSIDE]: "1" },
  });
  // Ctrl-C reaches the child by itself, it is in our process group.
  const ignore = (): void => {};
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on("SIGINT", ignore).on("SIGTERM", forward);
  try {
    return await new Promise<ExitCode>((resolve) => {
      child.once("exit", (code) => resolve((code ?? EXIT.software) as ExitCode));
    });
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", forward);
  }
}

/** Whether this is the program that was started again: its standard input ends when the first one is gone. */
export const isStartedAgain = (): boolean => process.env[INSIDE] !== undefined;

function cannot(refusal: string, more: string): ExitError {
  return new ExitError(
    EXIT.noPermission,
    `network namespaces cannot be made here: ${refusal}.\n` +
      `Without privileges it needs user namespaces: ${more}.\n` +
      "Run it as root, or allow user namespaces; in a container add --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW " +
      "(and, where the container's filter forbids unshare, --security-opt seccomp=unconfined)",
  );
}

/** The system's settings that forbid it, with the command that allows it. */
function switches(): string {
  const found = SWITCHES.filter(({ file, bad }) => read(file) === bad);
  if (found.length === 0) return "";
  return ` (${found.map(({ file, bad, remedy }) => `${file} is ${bad}: as root, ${remedy}`).join("; ")})`;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
