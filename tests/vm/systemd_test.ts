/** Lane B: Linux 6.1 where systemd is pid 1, for the systemd cgroup driver. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "systemd",
  systemd: true,
  files: [
    "tests/vm/guest/boot.ts",
    "tests/vm/guest/systemd.ts",
    "tests/vm/guest/systemd_criu.ts",
    "tests/vm/guest/systemd_user.ts",
  ],
});
