/** Test files that run in a machine of their own: boot, let the guest run them, take over its results as tests of this run. */

import { cannotRun, type Flavour, type Image, provideImage } from "./image.ts";
import { makePayload } from "./payload.ts";
import { parseTap, type Report } from "./tap.ts";

/** A machine and what it runs. */
export interface Lane {
  /** What the names of its tests begin with. */
  readonly name: string;
  /** Whether systemd is pid 1; otherwise a script that mounts cgroup v2 and nothing more. */
  readonly systemd: boolean;
  /** Test files, relative to the root of the repository. */
  readonly files: readonly string[];
  /** Which kernel; that of the cloud if none is named. */
  readonly kernel?: Flavour;
  /** Further words of the kernel's command line. */
  readonly kernelArguments?: readonly string[];
  /** Programs that only this lane needs. */
  readonly tools?: readonly string[];
  /** Puts more on the second disk, whose files are in this directory. */
  readonly prepare?: (payload: string) => void;
  /** Minutes that all of it may take. */
  readonly minutes?: number;
}

/** Runs the lane and registers one test for each test that ran in the guest. */
export async function registerLane(lane: Lane): Promise<void> {
  const reason = cannotRun(lane.tools);
  if (reason !== undefined) {
    Deno.test({ name: `${lane.name}: skipped, ${reason}`, ignore: true, fn: () => {} });
    return;
  }
  const { report, log } = await runLane(lane);
  for (const { name, outcome, message } of report.results) {
    Deno.test({
      name: `${lane.name}: ${name}`,
      ignore: outcome === "skipped",
      fn: () => {
        if (outcome === "failed") throw new Error(message);
      },
    });
  }
  Deno.test(`${lane.name}: the guest runs all of its tests`, () => {
    if (!report.complete || report.results.length === 0) throw new Error(`the guest did not finish:\n${log}`);
  });
}

async function runLane(lane: Lane): Promise<{ report: Report; log: string }> {
  const image = await provideImage();
  const directory = Deno.makeTempDirSync({ prefix: "runo-vm-" });
  try {
    makePayload(`${directory}/payload.ext4`, lane.prepare);
    const started = new Deno.Command("qemu-system-x86_64", {
      args: qemuArguments(lane, image, directory),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout((lane.minutes ?? 24) * 60_000),
    }).spawn();
    const { stderr } = await started.output();
    const words = new TextDecoder().decode(stderr);
    const read = (file: string) => Deno.readTextFileSync(`${directory}/${file}`);
    keepLogs(lane, directory);
    return { report: parseTap(read("results")), log: `${words}${tail(read("console"))}${tail(read("results"))}` };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Both serial lines as they were, for whoever looks into a failure. */
function keepLogs(lane: Lane, directory: string): void {
  const keep = Deno.env.get("RUNO_VM_LOGS");
  if (keep === undefined) return;
  for (const file of ["results", "console"]) Deno.copyFileSync(`${directory}/${file}`, `${keep}/${lane.name}.${file}`);
}

function tail(text: string): string {
  return text.split("\n").slice(-60).join("\n");
}

function qemuArguments(
  { systemd, files, kernel = "cloud", kernelArguments = [] }: Lane,
  image: Image,
  directory: string,
): string[] {
  const boot = image.boot[kernel];
  const command = [
    "console=ttyS0",
    "panic=-1",
    "loglevel=4",
    "mitigations=off",
    // on a busy host the timer ticks too late for the kernel's check of it, which ends in a panic
    "no_timer_check",
    ...systemd ? ["systemd.show_status=no"] : ["runo.init=/payload/repo/tests/vm/guest/init.sh"],
    ...kernelArguments,
    `runo.files=${files.join(",")}`,
    // for whoever works on one of the tests: a pattern without blanks
    `runo.filter=${Deno.env.get("RUNO_VM_FILTER") ?? ""}`,
  ];
  return [
    ...["-accel", Deno.env.get("RUNO_VM_ACCEL") ?? "tcg", "-cpu", "max", "-smp", "2", "-m", "2048", "-M", "q35"],
    // two memory nodes, for limits by node
    ...[0, 1].flatMap((node) => [
      ...["-object", `memory-backend-ram,id=memory${node},size=1G`],
      ...["-numa", `node,memdev=memory${node},cpus=${node}`],
    ]),
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-serial", `file:${directory}/console`, "-serial", `file:${directory}/results`],
    ...["-drive", `file=${image.root},format=raw,if=virtio,snapshot=on`],
    ...["-drive", `file=${directory}/payload.ext4,format=raw,if=virtio,readonly=on`],
    ...["-kernel", boot.kernel, "-initrd", boot.initramfs, "-append", command.join(" ")],
  ];
}
