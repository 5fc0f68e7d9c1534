/** Lane C: Linux 6.1 with cgroup v1 alone, and all of its controllers. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "cgroup1",
  systemd: false,
  files: ["tests/vm/guest/cgroups_v1.ts", "tests/vm/guest/stats.ts"],
  kernelArguments: ["runo.cgroup=1"],
});
