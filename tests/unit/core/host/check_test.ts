import { assertEquals } from "@std/assert";
import { checkBundle, checkHost, type Finding } from "../../../../core/host/check/check.ts";
import { Report } from "../../../../core/host/check/finding.ts";
import { findInRoot } from "../../../../core/host/check/in_root.ts";
import { checkRelease } from "../../../../core/host/check/kernel.ts";
import { parseLimits } from "../../../../core/host/check/process.ts";
import { parseRanges } from "../../../../core/host/subids.ts";
import { changed, type Changes } from "../spec/config.ts";

const HOST = { root: "/nowhere", cgroupManager: "cgroupfs", rootless: "auto", argv0: "runo", warn: () => {} } as const;

/** A bundle in a directory of its own, with a program that is executable and one that is not. */
function withBundle(changes: Changes, use: (bundle: string) => void): void {
  const bundle = Deno.makeTempDirSync({ prefix: "runo-test-" });
  try {
    Deno.mkdirSync(`${bundle}/rootfs/bin`, { recursive: true });
    Deno.writeTextFileSync(`${bundle}/rootfs/bin/sh`, "", { mode: 0o755 });
    Deno.writeTextFileSync(`${bundle}/rootfs/bin/text`, "", { mode: 0o644 });
    Deno.symlinkSync("/bin/sh", `${bundle}/rootfs/absolute`);
    Deno.symlinkSync("../../bin", `${bundle}/rootfs/up`);
    Deno.symlinkSync("loop", `${bundle}/rootfs/loop`);
    Deno.writeTextFileSync(`${bundle}/config.json`, JSON.stringify(changed(changes)));
    use(bundle);
  } finally {
    Deno.removeSync(bundle, { recursive: true });
  }
}

/** Places and messages of what is wrong. */
function problems(changes: Changes): [string, string][] {
  let findings: Finding[] = [];
  withBundle(changes, (bundle) => findings = checkBundle({ ...HOST, bundle }));
  return findings.filter(({ level }) => level !== "ok").map(({ pointer = "", message }) => [pointer, message]);
}

const NO_MOUNTS: Changes = { mounts: [], "process.args": ["/bin/sh"], "process.rlimits": [] };

Deno.test("checkBundle() finds everything at once", () => {
  const found = problems({
    ...NO_MOUNTS,
    "process.cwd": "x",
    "process.args": ["/bin/text"],
    "mounts": [{ destination: "/x", source: "/no/such/source", options: ["bind"] }],
    "hooks": { prestart: [{ path: "/no/such/hook" }] },
    "linux.netDevices": { "no-such-device": {} },
  });
  assertEquals(found, [
    ["/process/cwd", "must be an absolute path"],
    ["/process/args/0", '"/bin/text" is not executable'],
    ["/mounts/0/source", 'the mount source "/no/such/source" is missing'],
    ["/hooks/prestart/0/path", 'the hook "/no/such/hook" is missing'],
    ["/linux/netDevices/no-such-device", 'there is no network device "no-such-device"'],
  ]);
});

Deno.test("checkBundle() looks for the program in PATH, and knows that mounts may bring it", () => {
  const args = (name: string, more: Changes = {}) => problems({ ...NO_MOUNTS, "process.args": [name], ...more });
  assertEquals(args("sh"), []);
  assertEquals(args("nope"), [["/process/args/0", '"nope" is not in the root file system']]);
  assertEquals(args("/bin"), [["/process/args/0", '"/bin" is a directory']]);
  const mounted = { mounts: [{ destination: "/bin", type: "tmpfs", source: "tmpfs" }] };
  assertEquals(args("nope", mounted), []);
});

Deno.test("checkBundle() tells why there is nothing to check", () => {
  withBundle({}, (bundle) => {
    Deno.writeTextFileSync(`${bundle}/config.json`, "{");
    const [finding, ...others] = checkBundle({ ...HOST, bundle });
    assertEquals([finding?.level, others.length], ["error", 0]);
    Deno.removeSync(`${bundle}/config.json`);
    assertEquals(checkBundle({ ...HOST, bundle }).map(({ message }) => message), [
      `JSON specification file ${bundle}/config.json not found`,
    ]);
  });
});

Deno.test("checkHost() has a word on every subject", () => {
  const subjects = new Set(checkHost(HOST).map(({ subject }) => subject));
  assertEquals([...subjects], ["kernel", "cgroups", "users", "security", "criu"]);
});

Deno.test("findInRoot() never leaves the root", () => {
  withBundle({}, (bundle) => {
    const find = (path: string, mounted: string[] = []) => {
      const found = findInRoot(`${bundle}/rootfs`, path, mounted);
      return typeof found === "string" ? found : found.path;
    };
    assertEquals(find("/bin/sh"), "/bin/sh");
    assertEquals(find("/absolute"), "/bin/sh");
    assertEquals(find("/up/sh"), "/bin/sh");
    assertEquals(find("/../../bin/./sh"), "/bin/sh");
    assertEquals(find("/loop"), "unknown");
    assertEquals(find("/nope"), "missing");
    assertEquals(find("/absolute", ["/bin"]), "unknown");
  });
});

Deno.test("checkRelease() wants Linux 5.12", () => {
  const level = (release: string) => {
    const report = new Report("kernel");
    checkRelease(release, report);
    return report.findings[0]?.level;
  };
  assertEquals(["6.1.0-18-amd64", "5.12.0", "5.12-rc1", "10.0"].map(level), ["ok", "ok", "ok", "ok"]);
  assertEquals(["5.11.22", "4.18.0-553.el8", "5.4"].map(level), ["error", "error", "error"]);
});

Deno.test("parseLimits() reads hard limits", () => {
  const limits = parseLimits(
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
      "Max cpu time              unlimited            unlimited            seconds   \n" +
      "Max open files            1024                 524288               files     \n",
  );
  assertEquals([...limits], [["RLIMIT_CPU", "unlimited"], ["RLIMIT_NOFILE", "524288"]]);
});

Deno.test("parseRanges() finds a user by name and by number", () => {
  const text = "alice:100000:65536\n1000:200000:10\nbob:300000:5\n";
  assertEquals(parseRanges(text, ["alice", "1000"]), [{ first: 100000, size: 65536 }, { first: 200000, size: 10 }]);
});
