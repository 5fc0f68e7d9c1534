import { assertEquals } from "@std/assert";

import type { RuncConfig } from "../../../core/host/runc_config.ts";
import { dumpedMounts, resolveInRoot, restoredMounts } from "../../../criu/mounts.ts";

function config(rootfs: string): RuncConfig {
  return {
    rootfs,
    version: "1.0.2",
    mounts: [
      { source: "proc", destination: "/proc", device: "proc" },
      { source: "/host/data", destination: "/link/data", device: "bind" },
      { source: "cgroup", destination: "/sys/fs/cgroup", device: "cgroup" },
    ],
    mask_paths: ["/proc/self/comm", "/proc/self/no-such-file", "/proc/self/task"],
    devices: [{
      type: 99,
      major: 1,
      minor: 3,
      permissions: "rwm",
      allow: true,
      path: "/dev/null",
      file_mode: 0,
      uid: 0,
      gid: 0,
    }],
    namespaces: [{ type: "NEWNS", path: "" }],
  };
}

/** A root file system with links. */
function withRootfs(run: (rootfs: string) => void): void {
  const rootfs = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${rootfs}/real/deep`, { recursive: true });
    Deno.symlinkSync("/real", `${rootfs}/link`);
    Deno.symlinkSync("../../../../outside", `${rootfs}/real/up`);
    Deno.symlinkSync("loop", `${rootfs}/loop`);
    run(rootfs);
  } finally {
    Deno.removeSync(rootfs, { recursive: true });
  }
}

Deno.test("resolveInRoot() follows links as the container does", () => {
  withRootfs((rootfs) => {
    assertEquals(resolveInRoot(rootfs, "/link/deep"), "/real/deep");
    assertEquals(resolveInRoot(rootfs, "link//./deep/../x"), "/real/x");
    assertEquals(resolveInRoot(rootfs, "/link/up/x"), "/outside/x");
    assertEquals(resolveInRoot(rootfs, "/../.."), "/");
    assertEquals(resolveInRoot(rootfs, "/missing/a"), "/missing/a");
    // no end of links is no path: it stays as it is
    assertEquals(resolveInRoot(rootfs, "/loop/a"), "/loop/a");
  });
});

Deno.test("dumpedMounts() names binds, masked files and devices by their place in the container", () => {
  withRootfs((rootfs) => {
    assertEquals(dumpedMounts({ ...config(rootfs), namespaces: [{ type: "NEWCGROUP", path: "" }] }, Deno.pid), [
      { key: "/real/data", val: "/real/data" },
      { key: "/proc/self/comm", val: "/dev/null" },
      { key: "/dev/null", val: "/dev/null" },
    ]);
  });
});

Deno.test("restoredMounts() gives each its source, and cgroups of v1 where there is no namespace for them", () => {
  const cgroups = {
    version: 1,
    mounts: [{ name: "memory", data: "memory", directory: "/c/memory/x", links: [] }],
  } as const;
  withRootfs((rootfs) => {
    const others = [{ key: "/dev/null", val: "/dev/null" }, { key: "/dev/null", val: "/dev/null" }];
    const bind = { key: "/real/data", val: "/host/data" };
    assertEquals(restoredMounts(config(rootfs), cgroups), [
      bind,
      { key: "/sys/fs/cgroup/memory", val: "/c/memory/x" },
      ...others,
    ]);
    const ofItsOwn = { ...config(rootfs), namespaces: [{ type: "NEWCGROUP", path: "" }] };
    assertEquals(restoredMounts(ofItsOwn, cgroups), [bind, ...others]);
    assertEquals(restoredMounts(config(rootfs), { version: 2, mounts: [] }), [bind, ...others]);
  });
});
