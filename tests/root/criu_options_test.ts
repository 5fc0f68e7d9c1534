/** The options of checkpoint and restore that other files have no test of, one by one. */

import { assertEquals, assertStringIncludes } from "@std/assert";

import { sandbox } from "./harness.ts";
import { criuTest } from "./support/criu.ts";
import { TestUser } from "./support/users.ts";

const UNTESTED = "runc checkpoint is untested with rootless containers";

criuTest("checkpoint() and restore() warn an ordinary user, and root of a user namespace", async () => {
  await using user = await TestUser.make();
  await using box = sandbox();
  await box.sleeping();
  for (const command of ["checkpoint", `restore --bundle ${box.bundle}`]) {
    const { code, stderr } = await user.sh(`runo ${command} none`);
    assertEquals(code, 1);
    assertStringIncludes(stderr.split("\n")[0]!, UNTESTED);
    const mapped = await box.runo([...command.split(" "), "none"], { through: "unshare --user --map-root-user" });
    assertStringIncludes(mapped.stderr.split("\n")[0]!, UNTESTED);
    const { stderr: roots } = await box.runo([...command.split(" "), "none"]);
    assertEquals(roots.includes(UNTESTED), false, roots);
  }
});
