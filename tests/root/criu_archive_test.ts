import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { exists, failed, namespaces, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  restore,
  runo,
  WITH_CRIU,
} from "./support/criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

/** A container that counts, exported to an archive. */
async function exported(box: Sandbox): Promise<string> {
  box.configure({ "process.args": COUNTING });
  await counting(box);
  const archive = `${box.dir}/c.tar`;
  await box.ok(...WITH_CRIU, "checkpoint", "--export", archive, box.id);
  assert(!exists(box.stateDir), "the container is gone");
  return archive;
}

function importing(box: Sandbox, archive: string, ...flags: readonly string[]): readonly string[] {
  return ["restore", "--detach", "--bundle", box.bundle, "--import", archive, ...flags, box.id];
}

function entries(box: Sandbox): string[] {
  return [...Deno.readDirSync(box.dir)].map(({ name }) => name).sort();
}

criuTest("checkpoint --export and restore --import carry a container in one file", async () => {
  await using box = sandbox();
  const archive = await exported(box);
  const list = new Deno.Command("tar", { args: ["-tvf", archive] }).outputSync();
  const text = new TextDecoder().decode(list.stdout);
  assertMatch(text.split("\n")[0]!, /^-rw------- .* manifest\.json$/);
  for (const name of ["descriptors.json", "inventory.img", "pages-1.img"]) assertStringIncludes(text, name);
  assert(!text.includes("dump.log"), "no log is carried along");
  assertEquals(Deno.statSync(archive).mode! & 0o777, 0o600, "memory of processes is for root alone");
  const before = entries(box);
  assertEquals(await piped(box, importing(box, archive)), WELL);
  await printsMore(box, 2);
  assertCounted(box);
  assertEquals(entries(box), before, "no directory is left of it");
});

criuTest("restore --import starts nothing of an archive that is damaged", async () => {
  await using box = sandbox();
  const archive = await exported(box);
  const whole = Deno.readFileSync(archive);
  const spoil = (change: (bytes: Uint8Array) => Uint8Array) => {
    const path = `${box.dir}/spoilt.tar`;
    Deno.writeFileSync(path, change(whole.slice()));
    return path;
  };
  const changed = spoil((bytes) => {
    const at = new TextDecoder("latin1").decode(bytes).lastIndexOf("pages-1.img") + 512 + 100;
    bytes[at]! ^= 1;
    return bytes;
  });
  const content = '"pages-1.img" has not the content that it had';
  assertStringIncludes(failed(await box.runo([...WITH_CRIU, ...importing(box, changed)])), content);
  const cut = spoil((bytes) => bytes.slice(0, bytes.length - 4096));
  assertStringIncludes(failed(await box.runo([...WITH_CRIU, ...importing(box, cut)])), "cut short");
  const none = spoil(() => new Uint8Array(2048));
  assertStringIncludes(failed(await box.runo([...WITH_CRIU, ...importing(box, none)])), "manifest.json");
  const text = spoil(() => new TextEncoder().encode("x".repeat(2048)));
  assertStringIncludes(failed(await box.runo([...WITH_CRIU, ...importing(box, text)])), "no tar archive");
  assertEquals(box.leftovers(), []);
  assertEquals(await piped(box, importing(box, archive)), WELL);
});

criuTest("restore --import refuses another bundle before anything is made", async () => {
  await using box = sandbox();
  const archive = await exported(box);
  const refused = async () => failed(await box.runo([...WITH_CRIU, ...importing(box, archive)]));
  const bind = { destination: "/data", source: box.dir, type: "bind", options: ["bind"] };
  box.configure({ "process.args": COUNTING, "mounts.7": bind });
  assertStringIncludes(await refused(), "config.json has the bind mounts /data, the checkpoint has not");
  box.configure({ "process.args": COUNTING, "linux.namespaces": namespaces("pid", "ipc", "uts", "mount") });
  assertStringIncludes(await refused(), "config.json lacks the namespaces NEWCGROUP, NEWNET");
  box.configure({ "process.args": COUNTING });
  Deno.writeTextFileSync(`${box.rootfs}/etc/more`, "");
  const message = await refused();
  assertMatch(message, /the root file system is another one \(\d+ files then, \d+ files now\)/);
  assertStringIncludes(message, "--import-any-rootfs");
  assert(!exists(box.stateDir));
  assertEquals(await piped(box, importing(box, archive, "--import-any-rootfs")), WELL);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("checkpoint --export keeps the images where --image-path says", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box, "--leave-running", "--export", `${box.dir}/c.tar`));
  assert(exists(`${imagesOf(box)}/inventory.img`));
  assertEquals(await box.status(), "running");
  await box.ok("delete", "--force", box.id);
  Deno.removeSync(`${box.dir}/piped-out`);
  const message = failed(await checkpoint(box, "--pre-dump", "--export", `${box.dir}/c.tar`));
  assertStringIncludes(message, "only a whole checkpoint can be exported");
});

criuTest("checkpoint and restore --stats print what CRIU has counted", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const dumped = JSON.parse(succeeded(await checkpoint(box, "--stats")));
  assert(dumped.pagesWritten > 0 && dumped.frozenTime > 0, JSON.stringify(dumped));
  box.configure({ "process.args": COUNTING });
  assertEquals(await restore(box, "--stats"), WELL);
  const printed = () => Deno.readTextFileSync(`${box.dir}/piped-out`).split("\n").find((line) => /^{.*}$/.test(line));
  await until(() => printed() !== undefined, "the statistics");
  const restored = JSON.parse(printed()!);
  assert(restored.pagesRestored > 0 && restored.restoreTime > 0, JSON.stringify(restored));
});

criuTest("check --criu says what CRIU can do here", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  const { stdout, stderr } = await box.runo([...runo(box).slice(3), "check", "--criu", "--json"]);
  assertEquals(stderr, "");
  const about = JSON.parse(stdout).filter(({ subject }: { subject: string }) => subject === "criu");
  const messages = about.map(({ message }: { message: string }) => message).join("\n");
  assertMatch(messages, /is version \d+\.\d+/);
  assertStringIncludes(messages, "the kernel has what every checkpoint needs");
  for (const feature of ["MemTrack", "LazyPages", "PidfdStore"]) assertStringIncludes(messages, feature);
});
