/** Lane A: Linux 6.1 with a pure cgroup v2 and nothing but the tests on it. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "cgroup2",
  systemd: false,
  files: ["boot", "cgroups", "limits", "stats"].map((name) => `tests/vm/guest/${name}.ts`),
});
