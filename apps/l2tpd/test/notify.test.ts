import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { abi, encodeSocketAddress, sys } from "@l2tp/linux";
import { silentLogger } from "@l2tp/node";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import { createNotify } from "../src/notify.ts";
import { recorder } from "./recorder.ts";

needs("linux")("the service manager is told through the datagram socket of NOTIFY_SOCKET", async () => {
  const folder = mkdtempSync(join(tmpdir(), "l2tpd-notify-"));
  const path = join(folder, "socket");
  const fd = sys.socket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC);
  try {
    sys.bind(fd, encodeSocketAddress({ family: "unix", path }));
    const notify = await createNotify(silentLogger, { NOTIFY_SOCKET: path });
    notify("READY=1");
    const buffer = new Uint8Array(100);
    const octets = sys.recv(fd, buffer);
    expect(new TextDecoder().decode(buffer.subarray(0, octets))).toBe("READY=1");
  } finally {
    sys.close(fd);
    rmSync(folder, { recursive: true });
  }
});

needs("linux")("a service manager that is not there is logged once and stops nothing", async () => {
  const lines: string[] = [];
  const notify = await createNotify(recorder(lines), { NOTIFY_SOCKET: "/nonexistent/socket" });
  notify("READY=1");
  notify("STOPPING=1");
  expect(lines).toEqual(["warn the service manager could not be notified"]);
});

test("without NOTIFY_SOCKET nothing is loaded and nothing is sent", async () => {
  const lines: string[] = [];
  (await createNotify(recorder(lines), {}))("READY=1");
  expect(lines).toEqual([]);
});
