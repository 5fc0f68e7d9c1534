import { assertEquals, assertStringIncludes } from "@std/assert";

import { namespaces, type Sandbox, sandbox } from "../root/harness.ts";
import {
  assertCounted,
  COUNTING,
  counting,
  CRIU,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  runo,
} from "../root/support/criu.ts";
import { execute } from "../root/support/command.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

const hasRunc = new Deno.Command("sh", { args: ["-c", "command -v runc"], stdout: "null" }).outputSync().success;
const missing = hasRunc ? false : "it needs the package runc";

/** runc, with the CRIU of the tests and the state root of the sandbox. */
function runc(box: Sandbox): readonly string[] {
  const bin = CRIU.slice(0, CRIU.lastIndexOf("/"));
  return ["env", `PATH=${bin}:${Deno.env.get("PATH") ?? ""}`, "runc", "--root", box.root];
}

type Runtime = (box: Sandbox) => readonly string[];

/** A container with binds, masked files and a cgroup mount, moved to and fro between two runtimes. */
async function rounds(box: Sandbox, dumps: Runtime, restores: Runtime): Promise<void> {
  Deno.mkdirSync(`${box.dir}/shared`);
  box.configure({
    "process.args": COUNTING,
    "mounts.7": { destination: "/shared", source: `${box.dir}/shared`, type: "bind", options: ["rbind"] },
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount"),
    "linux.maskedPaths": ["/proc/kcore", "/proc/acpi", "/proc/keys", "/sys/firmware"],
    ociVersion: "1.0.2",
  });
  await counting(box);
  for (let round = 0; round < 2; round++) {
    const dumped = await execute([...dumps(box), "checkpoint", "--image-path", imagesOf(box), box.id], {
      cwd: box.dir,
    });
    assertEquals(dumped, WELL, `checkpoint ${round}`);
    const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
    assertEquals(await piped(box, args, restores(box)), WELL, `restore ${round}`);
    await printsMore(box, 2);
  }
  assertCounted(box);
  assertStringIncludes(await box.ok("exec", box.id, "ls", "/"), "shared");
  await box.ok("delete", "--force", box.id);
}

criuTest("checkpoint() makes images that runc restores", async () => {
  await using box = sandbox();
  await rounds(box, runo, runc);
}, missing);

criuTest("restore() takes images that runc has made", async () => {
  await using box = sandbox();
  await rounds(box, runc, runo);
}, missing);
