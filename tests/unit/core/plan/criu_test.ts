import { type CriuInputs, planCriu, planLoopback, planThaw, type RestoreInputs } from "../../../../core/plan/criu.ts";
import { changed } from "../spec/config.ts";
import { assertGolden, difference, planText } from "./golden.ts";

const INPUTS: CriuInputs = {
  arch: "x86_64",
  path: "/usr/sbin/criu",
  args: ["criu", "swrk", "3"],
  env: ["PATH=/bin"],
  files: [10, 11, 11, 12],
};

const RESTORE: RestoreInputs = {
  cgroup: { v1: ["/sys/fs/cgroup/memory/box"], v2: "/sys/fs/cgroup/unified/box" },
  spec: changed({
    "mounts.7": { destination: "/data", source: "data", type: "bind", options: ["rbind"] },
    "mounts.8": { destination: "/data/file", source: "/etc/file", type: "bind", options: ["bind"] },
    "mounts.9": { destination: "/dev/shm/below", source: "/x", type: "bind", options: ["bind"] },
  }),
  bundle: "/bundle",
  rootfs: "/bundle/rootfs",
  root: "/run/runc/box/criu-root",
  sources: new Map([[8, "file"]]),
  mountpoints: false,
};

Deno.test("planCriu() gives CRIU its descriptors, and none but those", () => {
  assertGolden("criu", planText(planCriu(INPUTS)));
});

Deno.test("planCriu() gives a restore the container's cgroup and mounts of its own", () => {
  const plain = planCriu(INPUTS);
  assertGolden("criu_restore", difference(plain, planCriu({ ...INPUTS, restore: RESTORE })));
  const there = planCriu({ ...INPUTS, restore: { ...RESTORE, mountpoints: true } });
  assertGolden("criu_restore_mountpoints_there", difference(plain, there));
  const hierarchies = new Map([["devices", "/sys/fs/cgroup/devices"], ["unified", "/sys/fs/cgroup/unified"]]);
  const restore = { ...RESTORE, yard: { directory: "/run/runc/box/criu-cgroups", hierarchies } };
  assertGolden(
    "criu_restore_yard",
    difference(planCriu({ ...INPUTS, restore: RESTORE }), planCriu({ ...INPUTS, restore })),
  );
});

Deno.test("planLoopback() brings up the device in the namespace of another process", () => {
  assertGolden("criu_loopback", planText(planLoopback("x86_64", 10)));
});

Deno.test("planThaw() holds nothing but its pipe while it waits", () => {
  const file = "/sys/fs/cgroup/freezer/box/freezer.state";
  assertGolden("criu_thaw", planText(planThaw({ arch: "x86_64", pipe: 10, file, text: "THAWED" })));
});
