import { assertEquals, assertStringIncludes } from "@std/assert";

import { failed, map, namespaces, rootTest, sandbox, succeeded } from "./harness.ts";

const USER = {
  "linux.namespaces": namespaces("pid", "mount", "ipc", "uts", "network", "user"),
  "linux.uidMappings": [map(0, 100000, 65536)],
  "linux.gidMappings": [map(0, 100000, 65536)],
};

/** Each limit with a value that is allowed without CAP_SYS_RESOURCE, and the words of /proc/self/limits. */
const LIMITS = [
  ["RLIMIT_CPU", 1000, 2000, "Max cpu time"],
  ["RLIMIT_FSIZE", 1048576, 2097152, "Max file size"],
  ["RLIMIT_DATA", 536870912, 1073741824, "Max data size"],
  ["RLIMIT_STACK", 4194304, 8388608, "Max stack size"],
  ["RLIMIT_CORE", 0, 1024, "Max core file size"],
  ["RLIMIT_RSS", 1048576, 2097152, "Max resident set"],
  ["RLIMIT_NPROC", 500, 1000, "Max processes"],
  ["RLIMIT_NOFILE", 100, 200, "Max open files"],
  ["RLIMIT_MEMLOCK", 65536, 65536, "Max locked memory"],
  ["RLIMIT_AS", 1073741824, 2147483648, "Max address space"],
  ["RLIMIT_LOCKS", 100, 200, "Max file locks"],
  ["RLIMIT_SIGPENDING", 100, 200, "Max pending signals"],
  ["RLIMIT_MSGQUEUE", 4096, 8192, "Max msgqueue size"],
  ["RLIMIT_NICE", 0, 0, "Max nice priority"],
  ["RLIMIT_RTPRIO", 0, 0, "Max realtime priority"],
  ["RLIMIT_RTTIME", 100000, 200000, "Max realtime timeout"],
] as const;

function parse(text: string): Map<string, string> {
  return new Map(
    text.split("\n").slice(1).map((
      line,
    ) => [line.slice(0, 26).trim(), line.slice(26).trim().split(/\s+/).slice(0, 2).join(" ")]),
  );
}

rootTest("run() sets all limits, in a user namespace too", async () => {
  await using box = sandbox();
  const rlimits = LIMITS.map(([type, soft, hard]) => ({ type, soft, hard }));
  for (const changes of [{}, USER]) {
    const seen = parse(await box.shell("cat /proc/self/limits", { "process.rlimits": rlimits, ...changes }));
    for (const [type, soft, hard, words] of LIMITS) assertEquals(seen.get(words), `${soft} ${hard}`, type);
  }
});

rootTest("run() leaves the other limits as the caller has them", async () => {
  await using box = sandbox({ "process.args": ["cat", "/proc/self/limits"] });
  const seen = parse(succeeded(await box.run({}, { before: "ulimit -S -n 123; ulimit -S -c 7;" })));
  assertEquals(seen.get("Max open files")?.split(" ")[0], "123");
  assertEquals(seen.get("Max core file size")?.split(" ")[0], String(7 * 512));
  await using sleeping = sandbox();
  await sleeping.sleeping();
  const inside = parse(
    succeeded(await sleeping.runo(["exec", sleeping.id, "cat", "/proc/self/limits"], { before: "ulimit -S -n 123;" })),
  );
  assertEquals(inside.get("Max open files")?.split(" ")[0], "123");
});

rootTest("run() refuses limits that are unknown, given twice, or above the hard one", async () => {
  await using box = sandbox();
  const limit = (type: string, soft: number, hard: number) => ({ type, soft, hard });
  assertStringIncludes(await box.refused({ "process.rlimits": [limit("RLIMIT_BOGUS", 1, 1)] }), "/process/rlimits/0");
  assertStringIncludes(
    await box.refused({ "process.rlimits": [limit("RLIMIT_CORE", 1, 1), limit("RLIMIT_CORE", 2, 2)] }),
    "/process/rlimits/1",
  );
  assertStringIncludes(await box.refused({ "process.rlimits": [limit("RLIMIT_CORE", 2, 1)] }), "above the hard limit");
});

rootTest("run() sets oom_score_adj, and leaves it without one", async () => {
  await using box = sandbox({ "process.args": ["cat", "/proc/self/oom_score_adj"] });
  const seen = async (value: number | undefined, before: number) => {
    const changes = { "process.oomScoreAdj": value };
    return succeeded(await box.run(changes, { before: `echo ${before} >/proc/self/oom_score_adj;` })).trim();
  };
  assertEquals(await seen(undefined, 321), "321");
  assertEquals(await seen(200, 0), "200");
  assertEquals(await seen(0, 0), "0");
  assertEquals(await seen(1000, 321), "1000");
  await box.create({ "process.oomScoreAdj": 200, "process.args": ["sleep", "1000"] });
  assertEquals(box.stateFile().config.oom_score_adj, 200);
  await box.ok("start", box.id);
  assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/oom_score_adj"), "200\n");
  await box.ok("delete", "--force", box.id);
  await box.create({ "process.oomScoreAdj": undefined });
  assertEquals("oom_score_adj" in box.stateFile().config, false);
});

rootTest("run() says that it may not lower oom_score_adj", async () => {
  await using box = sandbox();
  const result = await box.run({ "process.oomScoreAdj": -500 }, {
    before: "echo 100 >/proc/self/oom_score_adj;",
    through: "setpriv --bounding-set=-sys_resource",
  });
  assertStringIncludes(failed(result), "CAP_SYS_RESOURCE");
});
