// Intel RDT: on a host without it, and with a directory in place of resctrl, which no virtual machine can emulate.
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { exists, failed, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";
import { checkpoint, COUNTING, criuTest, imagesOf, piped, printsMore, runo } from "./support/criu.ts";

const HAS_RESCTRL = Deno.readTextFileSync("/proc/self/mountinfo").includes(" - resctrl ") && "this host has resctrl";

rootTest("run() refuses Intel RDT where the host has none, and leaves nothing behind", async () => {
  await using box = sandbox();
  const message = await box.refused({ "linux.intelRdt": { l3CacheSchema: "L3:0=f" } });
  assertStringIncludes(message, "intelRdt is specified in config, but Intel RDT is not supported or enabled");
  assertEquals(exists(box.stateDir), false);
  assertStringIncludes(await box.refused({ "linux.intelRdt": {} }), "Intel RDT is not supported or enabled");
}, HAS_RESCTRL);

rootTest("update() refuses schemas where the host has no Intel RDT", async () => {
  await using box = sandbox();
  await box.sleeping({ "linux.resources.pids": { limit: 50 } });
  const update = (...flags: string[]) => box.fails(["update", ...flags, box.id]);
  const cache = "Intel RDT/CAT: l3 cache schema is not enabled";
  assertStringIncludes(await update("--l3-cache-schema", "L3:0=f", "--pids-limit", "7"), cache);
  assertStringIncludes(
    await update("--mem-bw-schema", "MB:0=20"),
    "Intel RDT/MBA: memory bandwidth schema is not enabled",
  );
  assertEquals(box.stateFile().config.cgroups.pids_limit, 50);
}, HAS_RESCTRL);

rootTest("events() has nothing to say of Intel RDT where the container has none", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(JSON.parse(await box.ok("events", "--stats", box.id)).data.intel_rdt, {});
});

const FILES = {
  schemata: "    L3:0=fffff\n    MB:0=100\n",
  "info/last_cmd_status": "ok\n",
  "info/L3/cbm_mask": "fffff\n",
  "info/L3/min_cbm_bits": "1\n",
  "info/L3/num_closids": "16\n",
  "info/MB/bandwidth_gran": "10\n",
  "info/MB/delay_linear": "1\n",
  "info/MB/min_bandwidth": "10\n",
  "info/MB/num_closids": "8\n",
  "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\n",
  "gold/schemata": "    L3:0=00ff0\n    MB:0=100\n",
  "gold/tasks": "",
  "gold/mon_groups/README": "",
};

/** A directory in the sandbox that commands take for resctrl: they see a mountinfo with one line more. */
class FakeResctrl {
  readonly path: string;
  readonly #box: Sandbox;

  constructor(box: Sandbox) {
    this.#box = box;
    this.path = `${box.dir}/resctrl`;
    for (const [name, text] of Object.entries(FILES)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const file = `${this.path}/${name}`;
    Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(file, text);
  }

  read(name: string): string {
    return Deno.readTextFileSync(`${this.path}/${name}`);
  }

  /** The kernel's files of a group go with it: this is their part. */
  empty(group: string): void {
    Deno.removeSync(`${this.path}/${group}`, { recursive: true });
    Deno.mkdirSync(`${this.path}/${group}`);
  }

  /** What makes the host have this resctrl, for one command: the shell becomes the command, and keeps its pid. */
  get mounts(): string {
    const { dir } = this.#box;
    const line = `999 1 0:99 / ${this.path} rw - resctrl resctrl rw`;
    return `cp /proc/$$/mountinfo ${dir}/mountinfo; echo "${line}" >> ${dir}/mountinfo; ` +
      `mount --bind ${dir}/mountinfo /proc/$$/mountinfo`;
  }

  runo(...args: readonly string[]) {
    return this.#box.runo(args, { mounts: this.mounts });
  }

  /** The same with stdout and stderr that CRIU can restore. */
  piped(...args: readonly string[]) {
    const shell = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", `${this.mounts}; exec "$0" "$@"`];
    return piped(this.#box, args, [...shell, ...runo(this.#box)]);
  }

  create(rdt: Record<string, unknown>) {
    const { id, bundle } = this.#box;
    this.#box.configure({ "process.args": ["sleep", "1000"], "linux.intelRdt": rdt });
    return this.runo("create", "--bundle", bundle, id);
  }
}

rootTest("create() puts the container into a class of its own, delete() removes it", async () => {
  await using box = sandbox();
  const rdt = new FakeResctrl(box);
  succeeded(await rdt.create({ l3CacheSchema: "L3:0=ff", schemata: ["MB:0=50"], memBwSchema: "MB:0=20" }));
  assertEquals(rdt.read(`${box.id}/schemata`), "L3:0=ff\nMB:0=20\nMB:0=50\n");
  assertEquals(rdt.read(`${box.id}/tasks`), String(await box.pid()));
  const { intel_rdt_path, intel_rdt_mon_path, config } = box.stateFile();
  assertEquals([intel_rdt_path, intel_rdt_mon_path], [`${rdt.path}/${box.id}`, undefined]);
  assertEquals(config.intel_rdt, { schemata: ["MB:0=50"], l3_cache_schema: "L3:0=ff", memBwSchema: "MB:0=20" });

  await box.ok("start", box.id);
  await box.ok("exec", "--detach", "--pid-file", `${box.dir}/pid`, box.id, "sleep", "1000");
  assertEquals(rdt.read(`${box.id}/tasks`), Deno.readTextFileSync(`${box.dir}/pid`));

  rdt.empty(box.id);
  await box.ok("delete", "--force", box.id);
  assertEquals([exists(`${rdt.path}/${box.id}`), exists(rdt.path)], [false, true]);
});

rootTest("create() enters a class that is there, and delete() removes only the monitoring group in it", async () => {
  await using box = sandbox();
  const rdt = new FakeResctrl(box);
  const different = failed(await rdt.create({ closID: "gold", l3CacheSchema: "L3:0=ff" }));
  assertStringIncludes(different, `intelRdt of the config does not match "${rdt.path}/gold/schemata" in L3:0=ff`);
  succeeded(await rdt.create({ closID: "gold", l3CacheSchema: "L3:0=ff0", enableMonitoring: true }));
  const pid = String(await box.pid()), group = `gold/mon_groups/${box.id}`;
  assertEquals([rdt.read("gold/tasks"), rdt.read(`${group}/tasks`)], [pid, pid]);
  assertEquals(rdt.read("gold/schemata"), FILES["gold/schemata"]);
  assertEquals(box.stateFile().intel_rdt_mon_path, `${rdt.path}/${group}`);
  rdt.empty(group);
  await box.ok("delete", "--force", box.id);
  assertEquals([exists(`${rdt.path}/${group}`), exists(`${rdt.path}/gold/tasks`)], [false, true]);
});

rootTest("create() that fails takes its class back", async () => {
  await using box = sandbox();
  const rdt = new FakeResctrl(box);
  // the hook sees init in the class; then it plays the kernel's part and refuses
  const hook = `${box.dir}/hook`;
  const script = `#!/bin/sh\ncp ${rdt.path}/${box.id}/tasks ${box.dir}/seen\nrm ${rdt.path}/${box.id}/*\nexit 1\n`;
  Deno.writeTextFileSync(hook, script, { mode: 0o755 });
  box.configure({ "linux.intelRdt": { memBwSchema: "MB:0=20" }, "hooks.createRuntime": [{ path: hook }] });
  assertStringIncludes(failed(await rdt.runo("create", "--bundle", box.bundle, box.id)), "createRuntime");
  assertMatch(Deno.readTextFileSync(`${box.dir}/seen`), /^\d+$/);
  assertEquals(exists(`${rdt.path}/${box.id}`), false);
});

rootTest("delete() removes the class of a container whose creator was killed", async () => {
  await using box = sandbox();
  const rdt = new FakeResctrl(box);
  const hook = `${box.dir}/hook`;
  Deno.writeTextFileSync(hook, "#!/bin/sh\nkill -KILL $PPID\n", { mode: 0o755 });
  box.configure({ "linux.intelRdt": { memBwSchema: "MB:0=20" }, "hooks.createRuntime": [{ path: hook }] });
  assertEquals((await rdt.runo("create", "--bundle", box.bundle, box.id)).code === 0, false);
  assertEquals(exists(`${rdt.path}/${box.id}/tasks`), true);
  rdt.empty(box.id);
  await box.ok("delete", "--force", box.id);
  assertEquals(exists(`${rdt.path}/${box.id}`), false);
});

rootTest("update() changes the schemata, and notes it in state.json", async () => {
  await using box = sandbox();
  const rdt = new FakeResctrl(box);
  succeeded(await rdt.create({ l3CacheSchema: "L3:0=ff", memBwSchema: "MB:0=20" }));
  succeeded(await rdt.runo("update", "--l3-cache-schema", "L3:0=f", box.id));
  assertEquals(rdt.read(`${box.id}/schemata`), "L3:0=f\n");
  assertEquals(box.stateFile().config.intel_rdt, { l3_cache_schema: "L3:0=f", memBwSchema: "MB:0=20" });

  rdt.empty(box.id);
  rdt.write("info/last_cmd_status", "Unknown schema\n");
  const refused = failed(await rdt.runo("update", "--mem-bw-schema", "MB:0=40", "--pids-limit", "7", box.id));
  assertStringIncludes(refused, `"${rdt.path}/${box.id}/schemata": ENOENT`);
  assertEquals(box.stateFile().config.intel_rdt, { l3_cache_schema: "L3:0=f", memBwSchema: "MB:0=20" });
  assertEquals(box.stateFile().config.cgroups.pids_limit === 7, false);
  await box.ok("delete", "--force", box.id);

  await box.sleeping({ "linux.intelRdt": undefined });
  assertStringIncludes(
    failed(await rdt.runo("update", "--mem-bw-schema", "MB:0=40", box.id)),
    "updating a non-existent Intel RDT configuration is not supported",
  );
});

rootTest("events() prints what the class has, and what it uses", async () => {
  await using box = sandbox();
  const rdt = new FakeResctrl(box);
  succeeded(await rdt.create({ l3CacheSchema: "L3:0=ff", memBwSchema: "MB:0=20" }));
  rdt.write(`${box.id}/mon_data/mon_L3_00/llc_occupancy`, "4096\n");
  rdt.write(`${box.id}/mon_data/mon_L3_00/mbm_total_bytes`, "18446744073709551615\n");
  rdt.write(`${box.id}/mon_data/mon_L3_00/mbm_local_bytes`, "0\n");
  const line = succeeded(await rdt.runo("events", "--stats", box.id));
  assertStringIncludes(
    line,
    '"intel_rdt":{"l3_cache_info":{"cbm_mask":"fffff","min_cbm_bits":1,"num_closids":16},' +
      '"l3_cache_schema_root":"L3:0=fffff","l3_cache_schema":"L3:0=ff",' +
      '"mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8},' +
      '"mem_bw_schema_root":"MB:0=100","mem_bw_schema":"MB:0=20","schemata":["L3:0=ff","MB:0=20"],' +
      '"mbm_stats":[{"mbm_total_bytes":18446744073709551615,"mbm_local_bytes":0}],"cmt_stats":[{"llc_occupancy":4096}]}',
  );
  rdt.empty(box.id);
  await box.ok("delete", "--force", box.id);
});

criuTest("restore() puts the container back into a class of its own", async () => {
  await using box = sandbox({ "process.args": COUNTING, "linux.intelRdt": { memBwSchema: "MB:0=20" } });
  const rdt = new FakeResctrl(box);
  succeeded(await rdt.piped("run", "--detach", "--bundle", box.bundle, box.id));
  await printsMore(box, 2);
  rdt.empty(box.id);
  succeeded(await checkpoint(box));
  assertEquals(exists(`${rdt.path}/${box.id}`), false);
  const images = ["--bundle", box.bundle, "--image-path", imagesOf(box)];
  succeeded(await rdt.piped("restore", "--detach", ...images, box.id));
  await printsMore(box, 1);
  assertEquals(rdt.read(`${box.id}/schemata`), "MB:0=20\n");
  assertEquals(rdt.read(`${box.id}/tasks`), String(await box.pid()));
  assertEquals(box.stateFile().intel_rdt_path, `${rdt.path}/${box.id}`);
  rdt.empty(box.id);
  await box.ok("delete", "--force", box.id);
  assertEquals(exists(`${rdt.path}/${box.id}`), false);
});
