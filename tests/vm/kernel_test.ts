/** Tests on real containers once more: on a kernel that is years older, with a pure cgroup v2, and with AppArmor. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "kernel",
  systemd: false,
  kernelArguments: ["apparmor=1", "security=apparmor"],
  files: [
    "tests/root/labels_test.ts",
    "tests/root/idmap_test.ts",
    "tests/root/namespaces_test.ts",
    "tests/root/rootless_test.ts",
    "tests/root/userns_test.ts",
  ],
});
