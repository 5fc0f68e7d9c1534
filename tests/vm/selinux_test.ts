/** Linux 6.1 with SELinux on, enforcing, and a policy of a few types. */

import { run } from "./image.ts";
import { registerLane } from "./machine.ts";

const POLICY = new URL("guest/selinux.cil", import.meta.url).pathname;
/** The youngest format that the kernel reads. */
const POLICY_VERSION = "33";

await registerLane({
  name: "selinux",
  systemd: false,
  kernelArguments: ["security=selinux", "selinux=1", "enforcing=1"],
  files: ["tests/vm/guest/selinux.ts"],
  tools: ["secilc"],
  prepare: (payload) => {
    run("secilc", "-c", POLICY_VERSION, "-o", `${payload}/selinux.policy`, "-f", "/dev/null", POLICY);
  },
});
