/** What the tests use of other projects, from Debian's packages. */

/** A suite of tests, by its directory. */
export type Suite = "unit" | "root" | "peer" | "vm";

/** The packages that a suite wants. Without one, the tests that want it are skipped and say so. */
const PACKAGES: Readonly<Record<Suite, readonly string[]>> = {
  unit: ["binutils", "binutils-x86-64-linux-gnu", "binutils-aarch64-linux-gnu", "qemu-user"],
  root: ["busybox-static", "uidmap", "iproute2", "strace", "qemu-user", "libc6-arm64-cross", "libgcc-s1-arm64-cross"],
  peer: ["runc", "crun", "podman", "buildah", "conmon", "containerd", "docker.io"],
  vm: ["qemu-system-x86", "debootstrap", "e2fsprogs", "secilc"],
};

/** The packages of these suites that are not installed; none when there is no dpkg to ask. */
function missingPackages(suites: readonly Suite[]): string[] {
  const wanted = suites.flatMap((suite) => PACKAGES[suite]);
  const known = new Deno.Command("dpkg-query", {
    args: ["--show", "--showformat=${Package} ${db:Status-Status}\\n", ...wanted],
    stderr: "null",
  });
  const installed = new Set(
    new TextDecoder().decode(known.outputSync().stdout).split("\n").filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/**
 * Installs what is missing when that can be done: as root, with apt. Otherwise says what is missing.
 * @param say gets one line at a time
 */
export function provision(suites: readonly Suite[], say: (line: string) => void): void {
  if (!hasProgram("dpkg-query") || !hasProgram("apt-get")) {
    return say("no Debian: tests find what they want, or are skipped");
  }
  const missing = missingPackages(suites);
  if (missing.length === 0) return;
  const install = `apt-get install ${missing.join(" ")}`;
  if (Deno.uid() !== 0) return say(`some tests will be skipped; as root: ${install}`);
  say(install);
  if (!apt(["install", ...missing]) && !(apt(["update"]) && apt(["install", ...missing]))) {
    // one unknown name keeps apt from installing the others
    for (const name of missing) if (!apt(["install", name])) say(`package "${name}" cannot be installed`);
  }
}

function apt(args: readonly string[]): boolean {
  const options = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  return new Deno.Command("apt-get", {
    args: [...options, ...args],
    // packages must not start daemons on the machine that only tests
    env: { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync().success;
}

function hasProgram(name: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${name}`], stdout: "null" }).outputSync().success;
}
