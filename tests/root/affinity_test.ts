import { assertEquals, assertStringIncludes } from "@std/assert";

import { exists, rootTest, RUNO, sandbox } from "./harness.ts";

const SHOW = ["sh", "-c", "grep Cpus_allowed_list /proc/self/status | cut -f2"];

/** The CPUs of the machine, as the kernel lists them. */
const ALL = Deno.readTextFileSync("/sys/devices/system/cpu/online").trim();

rootTest("run() gives the container all CPUs, whatever the caller is confined to", async () => {
  await using box = sandbox({ "process.args": SHOW });
  const { stdout } = await new Deno.Command("taskset", {
    args: ["-c", "0", RUNO, "--root", box.root, "run", "--bundle", box.bundle, box.id],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), ALL);
});

rootTest("exec() runs on the final CPUs, after the initial ones", async () => {
  await using box = sandbox();
  await box.sleeping();
  const exec = async (execCPUAffinity: unknown) => {
    const file = `${box.dir}/process.json`;
    Deno.writeTextFileSync(file, JSON.stringify({ cwd: "/", args: SHOW, env: ["PATH=/bin"], execCPUAffinity }));
    return (await box.ok("exec", "--process", file, box.id)).trim();
  };
  assertEquals(await exec({ initial: "0" }), ALL);
  assertEquals(await exec({ initial: "0", final: "0" }), "0");
  assertEquals(await exec(undefined), ALL);
  const file = `${box.dir}/process.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ cwd: "/", args: SHOW, execCPUAffinity: { final: "8000" } }));
  assertStringIncludes(await box.fails(["exec", "--process", file, box.id], 255), "running on the CPUs 8000");
  assertEquals(exists(`${box.stateDir}/exec.fifo`), false);
});
