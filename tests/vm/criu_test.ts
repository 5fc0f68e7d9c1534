/** Checkpoint and restore with Debian's own CRIU, whose version needs a kernel of its time. */

import { registerLane } from "./machine.ts";

await registerLane({
  name: "criu",
  systemd: false,
  files: [
    "tests/vm/guest/criu.ts",
    "tests/root/criu_checkpoint_test.ts",
    "tests/root/criu_config_test.ts",
    "tests/root/criu_options_test.ts",
    "tests/root/criu_restore_test.ts",
    "tests/root/criu_rounds_test.ts",
    "tests/root/criu_savings_test.ts",
  ],
});
