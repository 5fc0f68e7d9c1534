/** How the executable starts: with the process that was frozen when it was made, or where that can not be, as any program does. */

import { assert, assertEquals, assertMatch } from "@std/assert";

import { FIRST_DESCRIPTOR, STATE } from "../../scripts/carrier/frozen/places.ts";
import { exists, rootTest, RUNO, type Sandbox, sandbox } from "./harness.ts";
import { start } from "./support/command.ts";

/** Why the executable can not thaw here. */
const noFrozen = Deno.build.arch !== "x86_64"
  ? "only executables for x86_64 have a frozen process"
  : Deno.readTextFileSync("/proc/cpuinfo").includes("QEMU TCG") &&
    "an emulated processor has not all that the build's had";

/** Runs a container in the foreground, after what a shell script does, and looks at runo's process while it runs. */
async function whileRunning(box: Sandbox, before: string, look: (pid: number) => void): Promise<void> {
  box.configure({ "process.args": ["sh", "-c", "echo ready; exec sleep 100"] });
  const script = `${before}; exec "$0" --root "${box.root}" run --bundle "${box.bundle}" ${box.id}`;
  const running = start(["unshare", "--mount", "sh", "-c", script, RUNO], { cwd: box.dir });
  await box.reachesOutput(running, "ready");
  look(running.pid);
  await box.ok("kill", box.id, "KILL");
  assertEquals((await running.result).code, 137);
}

/** True for a process that was thawed. */
function hasThawed(pid: number): boolean {
  const page = STATE.toString(16).padStart(8, "0");
  return Deno.readTextFileSync(`/proc/${pid}/maps`).includes(`${page}-`);
}

rootTest("runo thaws, and leaves low descriptors to its caller", async () => {
  await using box = sandbox();
  await whileRunning(box, "true", (pid) => {
    assert(hasThawed(pid));
    const kinds = Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => Number(name))
      .filter((fd) => fd < FIRST_DESCRIPTOR && Deno.readLinkSync(`/proc/${pid}/fd/${fd}`).includes("eventpoll"));
    assertEquals(kinds, []);
  });
}, noFrozen);

rootTest(
  "runo starts without thawing where descriptors are few, and finds all that it evaluates compiled",
  async () => {
    await using box = sandbox();
    await whileRunning(box, "ulimit -n 100", (pid) => {
      assert(!hasThawed(pid));
      const fds = `/proc/${pid}/fd`;
      const home = Array.from(Deno.readDirSync(fds), ({ name }) => `${fds}/${name}`)
        .find((fd) => exists(`${fd}/v8_code_cache_v2`));
      // Deno would have written there what it had to compile
      assertEquals(Deno.statSync(`${home}/v8_code_cache_v2-wal`).size, 0);
      const { dev } = Deno.statSync(home!);
      const number = `${dev >> 8}:${dev & 255}`;
      assertEquals(Deno.readTextFileSync("/proc/self/mountinfo").includes(` ${number} `), false);
    });
  },
);

rootTest("runo does not thaw with another build of the C library", async () => {
  await using box = sandbox();
  const { libc, id } = findLibc();
  const copy = Deno.readFileSync(libc);
  copy[id] = copy[id]! ^ 1;
  Deno.writeFileSync(`${box.dir}/libc`, copy, { mode: 0o755 });
  await whileRunning(box, `mount --bind libc "${libc}"`, (pid) => assert(!hasThawed(pid)));
}, noFrozen);

/** The C library of programs here, and where its build ID is in the file. */
function findLibc(): { readonly libc: string; readonly id: number } {
  const libc = /\S+\/libc\.so\.6$/m.exec(Deno.readTextFileSync("/proc/self/maps"))![0];
  const mark = new TextEncoder().encode("GNU\0"), bytes = Deno.readFileSync(libc).subarray(0, 4096);
  const words = new DataView(bytes.buffer);
  // the note: sizes of its name and its description, its type, its name
  for (let at = 12; at < bytes.length; at += 4) {
    if (mark.every((byte, i) => bytes[at + i] === byte) && words.getUint32(at - 4, true) === 3) {
      return { libc, id: at + 4 };
    }
  }
  throw new Error(`"${libc}" has no build ID`);
}

rootTest("a thawed process has its caller's arguments, environment, time zone, clock and directory", async () => {
  await using box = sandbox();
  const said = async (script: string) => (await box.command(["sh", "-c", script, RUNO])).stderr;
  assertMatch(await said(`TZ=Asia/Tokyo exec "$0" Ünknown`), /^time="[^"]*\+09:00" .*'Ünknown'/);
  assertMatch(await said(`TZ=UTC exec "$0" "other ' one"`), /^time="[^"]*Z" .*'other ' one'/);
  assertMatch(await said(`mkdir gone && cd gone && rmdir ../gone && exec "$0" state x`), /container does not exist/);
  // as on a machine that has not been up for as long as the one where it was frozen
  const early = 'exec unshare --time --fork --monotonic -$(($(cut -d. -f1 /proc/uptime) - 20)) "$0"';
  assertMatch(await said(`${early} state x`), /container does not exist/);
});

rootTest("a thawed process may open as many files as the hard limit allows", async () => {
  await using box = sandbox();
  await whileRunning(box, "ulimit -S -n 300", (pid) => {
    assert(hasThawed(pid));
    const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/limits`))!;
    assertEquals(soft, hard);
    const init = box.stateFile().init_process_pid;
    assertMatch(Deno.readTextFileSync(`/proc/${init}/limits`), /^Max open files\s+300 /m);
  });
}, noFrozen);

rootTest("runo works without standard descriptors", async () => {
  await using box = sandbox();
  const run = `"$0" --root "${box.root}" run --bundle "${box.bundle}" ${box.id}`;
  for (const closed of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
    const { code, stderr } = await box.command(["sh", "-c", `${run} ${closed}`, RUNO]);
    assertEquals({ closed, code, stderr }, { closed, code: 0, stderr: "" });
  }
});
