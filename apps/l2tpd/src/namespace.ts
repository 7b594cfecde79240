/** `--netns`: running in another network namespace. */
import { EXIT, ExitError } from "./exit-codes.ts";

/**
 * Moves this thread, and with it every thread that it makes from now on, into a network namespace.
 * @param path - such as `/run/netns/NAME` or `/proc/PID/ns/net`.
 * @throws ExitError when that is not possible.
 */
export async function enterNetworkNamespace(path: string): Promise<void> {
  if (process.platform !== "linux") {
    throw new ExitError(
      EXIT.unavailable,
      `--netns: network namespaces need Linux, and this is ${process.platform}`,
    );
  }
  const { abi, openNamespace, SyscallError, sys } = await import("@l2tp/linux");
  try {
    using namespace = openNamespace({ path });
    sys.setns(namespace.fd, abi.CLONE_NEWNET, path);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const exitCode =
      error.code === "EPERM" || error.code === "EACCES"
        ? EXIT.noPermission
        : error.code === "ENOENT"
          ? EXIT.noInput
          : EXIT.osError;
    throw new ExitError(exitCode, `--netns ${path}: ${error.message}`, { cause: error });
  }
}
