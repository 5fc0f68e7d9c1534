/** Lane A: Linux 6.1 with a pure cgroup v2 and nothing but the tests on it. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "cgroup2",
  systemd: false,
  files: ["tests/vm/guest/boot.ts", "tests/vm/guest/cgroups.ts"],
});
