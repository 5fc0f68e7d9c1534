import { assertEquals } from "@std/assert";

import { withLabels } from "../../../../core/host/lsm.ts";
import type { RuncConfig } from "../../../../core/host/runc_config.ts";

Deno.test("withLabels() gives a process the labels of its container where it names none", () => {
  const process = { args: ["true"], cwd: "/" };
  const config = { process_label: "a:b:c:s0", apparmor_profile: "profile" } as RuncConfig;
  const labelled = { ...process, selinuxLabel: "a:b:c:s0", apparmorProfile: "profile" };
  assertEquals(withLabels(process, config), labelled);
  assertEquals(withLabels({ ...process, selinuxLabel: "", apparmorProfile: "" }, config), labelled);
  const own = { ...process, selinuxLabel: "a:b:d:s0", apparmorProfile: "other" };
  assertEquals(withLabels(own, config), own);
  assertEquals(withLabels(process, {} as RuncConfig), process);
});
