/** Linux 6.1 where systemd is pid 1 and has the controllers of cgroup v1, as before 2021. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "systemd1",
  systemd: true,
  kernelArguments: ["systemd.unified_cgroup_hierarchy=0"],
  files: ["tests/vm/guest/systemd_v1.ts"],
});
