import { assertEquals } from "@std/assert";

import type { Mount } from "../../../core/spec/types.ts";
import { hasMountpoints } from "../../../criu/mountpoints.ts";

function bind(destination: string, source: string): Mount {
  return { destination, source, type: "bind", options: ["bind"] };
}

Deno.test("hasMountpoints() looks into the root file system, and into what is bound there", () => {
  const dir = Deno.makeTempDirSync();
  try {
    for (const path of ["rootfs/dev", "rootfs/a/b", "outer/inner"]) {
      Deno.mkdirSync(`${dir}/${path}`, { recursive: true });
    }
    Deno.symlinkSync("a", `${dir}/rootfs/link`);
    const has = (...mounts: Mount[]) =>
      hasMountpoints({ ociVersion: "1.0.2", mounts }, { rootfs: `${dir}/rootfs`, bundle: dir });
    assertEquals(has(), true);
    assertEquals(has(bind("/a/b", "/x"), bind("//a/./b/", "/x")), true);
    assertEquals(has(bind("/a/c", "/x")), false);
    // what a tmpfs holds comes with it
    assertEquals(has({ destination: "/dev", type: "tmpfs" }, { destination: "/dev/pts", type: "devpts" }), true);
    assertEquals(has(bind("/a/b", "outer"), bind("/a/b/inner", "/x")), true);
    assertEquals(has(bind("/a/b", "outer"), bind("/a/b/none", "/x")), false);
    // a symlink on the way: let the kernel decide
    assertEquals(has(bind("/link/b", "/x")), false);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
