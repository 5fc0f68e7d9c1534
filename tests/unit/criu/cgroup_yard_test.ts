import { assertEquals } from "@std/assert";

import { parseLayout } from "../../../core/cgroup/layout.ts";
import { cgroupYard, LinkedYard, nameHierarchies } from "../../../criu/cgroup_yard.ts";

const MOUNTS = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices
34 31 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
35 31 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`;
const OWN = "3:cpu,cpuacct:/a:b\n2:devices:/\n1:name=systemd:/user\n0::/user\n";

function named(mounts: string, own: string): Record<string, string> | undefined {
  const found = nameHierarchies(parseLayout(mounts, own), own);
  return found && Object.fromEntries(found);
}

Deno.test("nameHierarchies() calls them what CRIU does", () => {
  assertEquals(named(MOUNTS, OWN), {
    "cpu,cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
    devices: "/sys/fs/cgroup/devices",
    systemd: "/sys/fs/cgroup/systemd",
    unified: "/sys/fs/cgroup/unified",
  });
  const v2 = "30 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
  assertEquals(named(v2, "0::/x\n"), { unified: "/sys/fs/cgroup" });
});

Deno.test("nameHierarchies() leaves all to CRIU when one is not mounted, is seen in part, or not writable", () => {
  assertEquals(named(MOUNTS, `4:pids:/\n${OWN}`), undefined);
  assertEquals(named(MOUNTS.replace(/.*unified.*\n/, ""), OWN), undefined);
  assertEquals(named(MOUNTS.replace("0:30 /", "0:30 /docker/x"), OWN), undefined);
  assertEquals(named(MOUNTS.replace("devices rw", "devices ro,nosuid"), OWN), undefined);
  assertEquals(named(MOUNTS.replace("unified rw", "unified ro"), OWN), undefined);
});

Deno.test("nameHierarchies() leaves all to CRIU when two would have the same name", () => {
  const twin = "36 31 0:33 / /sys/fs/cgroup/other rw - cgroup cgroup rw,name=devices\n";
  assertEquals(named(MOUNTS + twin, `4:name=devices:/\n${OWN}`), undefined);
});

Deno.test("cgroupYard() is none for a CRIU that does not know of yards", () => {
  assertEquals(cgroupYard("/run/runc/box", { path: "criu", version: 31399 }), undefined);
});

Deno.test("LinkedYard replaces what a killed checkpoint has left, and removes itself alone", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${dir}/file`, "");
    Deno.mkdirSync(`${dir}/yard`);
    Deno.symlinkSync(dir, `${dir}/yard/old`);
    {
      const directory = `${dir}/yard`;
      using _yard = new LinkedYard({ directory, hierarchies: new Map([["devices", dir]]) });
      assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["devices"]);
      assertEquals(Deno.readLinkSync(`${directory}/devices`), dir);
    }
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["file"]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
