import { afterEach, expect, test, vi } from "vitest";
import { checkMachine } from "../src/demo/privilege.ts";
import { enterNetworkNamespace } from "../src/namespace.ts";
import { choosePlane, PLANE_CHOICES } from "../src/planes.ts";

afterEach(() => void vi.unstubAllGlobals());

function pretendToBe(platform: NodeJS.Platform): void {
  vi.stubGlobal("process", Object.create(process, { platform: { value: platform } }));
}

const failure = (exitCode: number, message: RegExp) =>
  expect.objectContaining({ exitCode, message: expect.stringMatching(message) });

test.each(["darwin", "win32"] as const)(
  "on %s what needs Linux says so, and the mock works",
  async (platform) => {
    pretendToBe(platform);
    expect(() => choosePlane("auto")).toThrow(
      failure(69, new RegExp(`needs Linux, and this is ${platform}.*--data-plane mock`)),
    );
    expect(() => choosePlane("userspace")).toThrow(failure(69, /the userspace data plane cannot work here/));
    expect(choosePlane("mock")).toMatchObject({ name: "mock", why: "asked for" });
    expect(() => checkMachine()).toThrow(failure(69, new RegExp(`needs Linux .* and this is ${platform}`)));
    await expect(enterNetworkNamespace("/run/netns/x")).rejects.toThrow(failure(69, /need Linux/));
  },
);

test("on Linux auto takes the userspace data plane, says why, and never the mock", () => {
  pretendToBe("linux");
  expect(choosePlane("auto")).toMatchObject({ name: "userspace", why: expect.stringContaining("auto") });
  expect(PLANE_CHOICES).toEqual(["auto", "userspace", "mock"]);
});
