/** Linux 6.1 with AppArmor on, for what confines the container's process. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "security",
  systemd: true,
  files: ["tests/root/labels_test.ts"],
});
