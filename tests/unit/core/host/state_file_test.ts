import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { uint64 } from "../../../../core/host/runc_json.ts";
import {
  ownRdtGroups,
  readState,
  recordedAnnotations,
  recordedBundle,
  recordedDriver,
  recordedHooks,
  recordedRdt,
  type StateFile,
  writeState,
} from "../../../../core/host/state_file.ts";

// as runc writes it: no key of our own
const RUNC_STATE: StateFile = {
  id: "c",
  init_process_pid: 42,
  init_process_start: 803899,
  created: "2026-01-02T03:04:05.239758864Z",
  config: {
    rootfs: "/b/rootfs",
    version: "1.0.2-dev",
    labels: ["z=", "a.b=c=d", "bundle=/b"],
    cgroups: { Systemd: true },
    Hooks: {
      prestart: null,
      poststop: [{ path: "/p", args: ["p"], env: null, dir: "", timeout: 2000000000 }],
    },
  },
  rootless: false,
};

const RUNO_STATE: StateFile = {
  ...RUNC_STATE,
  runo: {
    version: 1,
    driver: "disabled",
    bootId: "boot",
    configPath: "/b/config.json",
    spec: { ociVersion: "1.3.0", annotations: { "k=1": "v", bundle: "mine" }, hooks: { poststart: [{ path: "/q" }] } },
  },
};

function inTemporaryDir(test: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    test(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("writeState() replaces the file, mode 0600, and leaves nothing beside it", () =>
  inTemporaryDir((dir) => {
    writeState(dir, RUNC_STATE);
    writeState(dir, RUNO_STATE);
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["state.json"]);
    assertEquals((Deno.statSync(`${dir}/state.json`).mode ?? 0) & 0o777, 0o600);
    assertEquals(readState(dir), RUNO_STATE);
  }));

Deno.test("writeState() names the errno when the directory is gone", () => {
  const error = assertThrows(() => writeState("/nonexistent/c", RUNC_STATE), RunoError);
  assertEquals(error.message, 'writing state file "/nonexistent/c/state.json": ENOENT');
});

Deno.test("writeState() keeps 64-bit integers whole through a read and a write", () =>
  inTemporaryDir((dir) => {
    const args = [{ index: 0, value: uint64("18446744073709551615"), value_two: 0, op: 1 }];
    const config = {
      ...RUNC_STATE.config,
      cgroups: { memory: 2 ** 63 },
      seccomp: {
        default_action: 4,
        architectures: null,
        syscalls: [{ name: "x", action: 2, errnoRet: null, args }],
        default_errno_ret: null,
      },
    };
    writeState(dir, { ...RUNC_STATE, config });
    writeState(dir, readState(dir));
    const text = Deno.readTextFileSync(`${dir}/state.json`);
    assertEquals(text.match(/"value":\d+/)?.[0], '"value":18446744073709551615');
    // the largest int64: Go refuses 2^63
    assertEquals(text.match(/"memory":\d+/)?.[0], '"memory":9223372036854775807');
  }));

Deno.test("readState() tells none from a damaged one", () =>
  inTemporaryDir((dir) => {
    const kindOf = () => assertThrows(() => readState(dir), RunoError).kind;
    assertEquals(assertThrows(() => readState(dir), RunoError).message, "container does not exist");
    assertEquals(kindOf(), "not-found");
    for (const text of ["", '{"id":"c",', "[]", "null", '{"id":"c","config":{}}']) {
      Deno.writeTextFileSync(`${dir}/state.json`, text);
      assertEquals(kindOf(), "invalid", text);
    }
  }));

Deno.test("recordedBundle() and recordedAnnotations() read the labels of runc", () => {
  assertEquals(recordedBundle(RUNC_STATE), "/b");
  assertEquals(Object.entries(recordedAnnotations(RUNC_STATE)), [["a.b", "c=d"], ["z", ""]]);
});

Deno.test("recordedAnnotations() prefers the exact ones", () => {
  assertEquals(recordedAnnotations(RUNO_STATE), { bundle: "mine", "k=1": "v" });
});

Deno.test("recordedDriver() falls back to what runc wrote", () => {
  assertEquals(recordedDriver(RUNC_STATE), "systemd");
  assertEquals(recordedDriver(RUNO_STATE), "disabled");
  assertEquals(recordedDriver({ ...RUNC_STATE, config: { rootfs: "/", version: "1.0.2" } }), "cgroupfs");
});

Deno.test("recordedHooks() reads the hooks of runc back", () => {
  assertEquals(recordedHooks(RUNC_STATE), { poststop: [{ path: "/p", args: ["p"], timeout: 2 }] });
  assertEquals(recordedHooks(RUNO_STATE), { poststart: [{ path: "/q" }] });
});

Deno.test("recordedRdt() tells where the container is in resctrl", () => {
  assertEquals([recordedRdt(RUNC_STATE), recordedRdt({ ...RUNC_STATE, intel_rdt_path: "" })], [undefined, undefined]);
  const paths = { intel_rdt_path: "/r/c1", intel_rdt_mon_path: "/r/c1/mon_groups/c1" };
  assertEquals(recordedRdt({ ...RUNC_STATE, ...paths }), { path: "/r/c1", monPath: "/r/c1/mon_groups/c1" });
  assertEquals(recordedRdt({ ...RUNC_STATE, intel_rdt_path: "/r/c1" }), { path: "/r/c1", monPath: undefined });
});

Deno.test("ownRdtGroups() is what runo has written, and what has the name of a container of runc", () => {
  const paths = { intel_rdt_path: "/r/c1", intel_rdt_mon_path: "/r/c1/mon_groups/c1" };
  assertEquals([ownRdtGroups(RUNC_STATE), ownRdtGroups({ ...RUNO_STATE, ...paths })], [[], []]);
  const runo = { ...RUNO_STATE.runo!, rdtGroups: ["/r/c1"] };
  assertEquals(ownRdtGroups({ ...RUNO_STATE, ...paths, runo }), ["/r/c1"]);
  assertEquals(ownRdtGroups({ ...RUNC_STATE, ...paths }), ["/r/c1", "/r/c1/mon_groups/c1"]);
  const config = { ...RUNC_STATE.config, intel_rdt: { closID: "gold" } };
  const shared = { intel_rdt_path: "/r/gold", intel_rdt_mon_path: "/r/gold/mon_groups/c1" };
  assertEquals(ownRdtGroups({ ...RUNC_STATE, ...shared, config }), ["/r/gold/mon_groups/c1"]);
});
