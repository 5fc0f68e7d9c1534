import { assert, assertMatch } from "@std/assert";

import { benchCriu } from "../../scripts/bench/criu.ts";
import { rootTest, RUNO, sandbox } from "./harness.ts";

rootTest("benchCriu() says in one line which runtime a CRIU does not work with", async () => {
  await using box = sandbox();
  const program = `${box.dir}/criu`;
  Deno.writeTextFileSync(program, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const before = Deno.env.get("RUNO_CRIU");
  Deno.env.set("RUNO_CRIU", program);
  try {
    const runtime = { name: "runo", prefix: [RUNO, "--root", box.root], root: box.root };
    const medians = benchCriu(box.dir, [runtime], 1);
    assert("left" in medians);
    assertMatch(medians.left, /^runo checkpoint: .*CRIU version check failed.*$/);
  } finally {
    if (before === undefined) Deno.env.delete("RUNO_CRIU");
    else Deno.env.set("RUNO_CRIU", before);
  }
});
