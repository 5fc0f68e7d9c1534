/**
 * Linux 6.1 with a pure cgroup v2 whose namespaces are borders (nsdelegate): user namespaces, hooks and processes
 * that join; and another processor than the one that the executable was made on.
 */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "namespaces",
  systemd: false,
  files: ["tests/root/userns_test.ts", "tests/root/hooks_test.ts", "tests/root/start_up_test.ts"],
});
