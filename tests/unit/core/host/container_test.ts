import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import {
  checkId,
  containerStatus,
  createStateDir,
  leftoverDir,
  listContainers,
  loadContainer,
  ociState,
  passwdName,
  removeStateDir,
} from "../../../../core/host/container.ts";
import { lockContainer } from "../../../../core/host/container_lock.ts";
import { processStat } from "../../../../core/host/procfs.ts";
import { type RunoState, type StateFile, writeState } from "../../../../core/host/state_file.ts";

const SELF = { pid: Deno.pid, startTime: processStat(Deno.pid)?.startTime ?? 0 };

const RUNNING: StateFile = {
  id: "c",
  init_process_pid: SELF.pid,
  init_process_start: SELF.startTime,
  created: "2026-01-02T03:04:05Z",
  config: { rootfs: "/b/rootfs", version: "1.0.2-dev", labels: ["b=2", "a=1", "bundle=/b"] },
};

const RUNO: RunoState = {
  version: 1,
  driver: "cgroupfs",
  bootId: "",
  spec: { ociVersion: "1.3.0" },
  configPath: "/b/config.json",
};

function withRoot(test: (root: string) => void): void {
  const root = Deno.makeTempDirSync();
  try {
    test(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function statusOf(state: StateFile, prepare: (dir: string) => void = () => {}): string {
  let status = "";
  withRoot((root) => {
    const dir = createStateDir(root, "c");
    prepare(dir);
    status = containerStatus({ id: "c", dir, state });
  });
  return status;
}

function errorOf(action: () => unknown): RunoError {
  return assertThrows(action, RunoError);
}

Deno.test("checkId() takes plain names only", () => {
  for (const id of ["a", "A_1+b.c-d", ".hidden", "..."]) checkId(id);
  for (const id of [".", "..", "a/b", "a b", "ä", "a\n", "../x"]) {
    assertEquals(errorOf(() => checkId(id)).message, `invalid container ID format: ${JSON.stringify(id)}`);
  }
  assertEquals(errorOf(() => checkId("")).message, "container id cannot be empty");
});

Deno.test("createStateDir() makes root and directory with runc's modes, once", () =>
  withRoot((parent) => {
    const root = `${parent}/deep/root`, dir = createStateDir(root, "c");
    assertEquals(dir, `${root}/c`);
    const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
    assertEquals([modeOf(root), modeOf(dir)], [0o700, 0o711 & ~Deno.umask()]);
    const error = errorOf(() => createStateDir(root, "c"));
    assertEquals([error.kind, error.message], ["exists", "container with given ID already exists"]);
  }));

Deno.test("loadContainer() says that there is no container", () =>
  withRoot((root) => {
    createStateDir(root, "half");
    for (const id of ["half", "none"]) {
      const error = errorOf(() => loadContainer(root, id));
      assertEquals([error.kind, error.message], ["not-found", "container does not exist"]);
    }
  }));

Deno.test("containerStatus() tells created from running by the FIFO", () => {
  assertEquals(statusOf(RUNNING), "running");
  assertEquals(statusOf(RUNNING, (dir) => Deno.writeTextFileSync(`${dir}/exec.fifo`, "")), "created");
});

Deno.test("containerStatus() reads a recycled pid, no pid and another boot as stopped", () => {
  assertEquals(statusOf({ ...RUNNING, init_process_start: SELF.startTime + 1 }), "stopped");
  assertEquals(statusOf({ ...RUNNING, init_process_pid: 0 }), "stopped");
  assertEquals(statusOf({ ...RUNNING, runo: { ...RUNO, bootId: "of another boot" } }), "stopped");
  assertEquals(statusOf({ ...RUNNING, runo: RUNO }), "running");
});

Deno.test("containerStatus() says creating as long as the creator lives", () => {
  const early = { ...RUNNING, init_process_pid: 0, init_process_start: 0 };
  assertEquals(statusOf({ ...early, runo: { ...RUNO, creator: SELF } }), "creating");
  const dead = { ...SELF, startTime: SELF.startTime + 1 };
  assertEquals(statusOf({ ...early, runo: { ...RUNO, creator: dead } }), "stopped");
});

Deno.test("containerStatus() finds the freezer of both cgroup versions", () => {
  const frozen = (key: string, files: Record<string, string>): string => {
    const cgroup = Deno.makeTempDirSync();
    try {
      for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${cgroup}/${name}`, text);
      return statusOf({ ...RUNNING, cgroup_paths: { [key]: cgroup } });
    } finally {
      Deno.removeSync(cgroup, { recursive: true });
    }
  };
  assertEquals(frozen("freezer", { "freezer.state": "FROZEN\n", "freezer.self_freezing": "1\n" }), "paused");
  assertEquals(frozen("freezer", { "freezer.state": "FROZEN\n", "freezer.self_freezing": "0\n" }), "running");
  assertEquals(frozen("freezer", { "freezer.state": "FREEZING\n" }), "paused");
  assertEquals(frozen("freezer", { "freezer.state": "THAWED\n" }), "running");
  assertEquals(frozen("", { "cgroup.freeze": "1\n" }), "paused");
  assertEquals(frozen("", { "cgroup.freeze": "0\n" }), "running");
  assertEquals(frozen("", {}), "running");
});

Deno.test("ociState() has runc's keys in runc's order", () => {
  const state = ociState({ id: "c", dir: "/nonexistent", state: RUNNING });
  assertEquals(
    JSON.stringify(state),
    `{"ociVersion":"1.0.2-dev","id":"c","pid":${Deno.pid},"status":"running","bundle":"/b","rootfs":"/b/rootfs",` +
      `"created":"2026-01-02T03:04:05Z","annotations":{"a":"1","b":"2"},"owner":""}`,
  );
  const stopped = ociState({ id: "c", dir: "/nonexistent", state: { ...RUNNING, init_process_pid: 0 } });
  assertEquals([stopped.pid, stopped.status], [0, "stopped"]);
});

function withoutHint({ message, hint }: RunoError): string {
  return hint === undefined ? message : message.replace(` (${hint})`, "");
}

Deno.test("listContainers() sorts, names owners and carries on after a broken entry", () =>
  withRoot((root) => {
    for (const id of ["b", "a", "C"]) writeState(createStateDir(root, id), RUNNING);
    createStateDir(root, "half");
    Deno.writeTextFileSync(`${createStateDir(root, "cut")}/state.json`, '{"id":');
    Deno.writeTextFileSync(`${root}/file`, "");
    const seen = listContainers(root).map((entry) => "error" in entry ? withoutHint(entry.error) : entry.id);
    assertEquals(seen, [
      "C",
      "a",
      "b",
      `load container cut: reading state file "${root}/cut/state.json": it is not whole`,
      "load container half: container does not exist",
    ]);
  }));

Deno.test("listContainers() passes over a container that is just being made", () =>
  withRoot((root) => {
    using _lock = lockContainer(createStateDir(root, "new"));
    assertEquals(listContainers(root), []);
  }));

Deno.test("listContainers() finds none without a root", () => {
  assertEquals(listContainers("/nonexistent"), []);
});

Deno.test("leftoverDir() finds half-made directories only", () =>
  withRoot((root) => {
    const half = createStateDir(root, "half"), cut = createStateDir(root, "cut");
    Deno.writeTextFileSync(`${cut}/state.json`, "");
    writeState(createStateDir(root, "whole"), RUNNING);
    assertEquals(["half", "cut", "whole", "none"].map((id) => leftoverDir(root, id)), [
      half,
      cut,
      undefined,
      undefined,
    ]);
    removeStateDir(half);
    removeStateDir(half);
    assertEquals(leftoverDir(root, "half"), undefined);
  }));

Deno.test("passwdName() takes the first name of a uid", () => {
  assertEquals(passwdName("root:x:0:0::/:/bin/sh\nx:x:10:0\ntoor:x:0:0", 0), "root");
  assertEquals(passwdName("root:x:0:0::/:/bin/sh", 1), undefined);
});

Deno.test("lockContainer() lets one in at a time", () =>
  withRoot((root) => {
    const dir = createStateDir(root, "c");
    {
      using _lock = lockContainer(dir);
      assertEquals(errorOf(() => lockContainer(dir, { timeoutMs: 5 })).kind, "state");
    }
    lockContainer(dir, { timeoutMs: 0 })[Symbol.dispose]();
  }));

Deno.test("lockContainer() says so when the container was deleted", () =>
  withRoot((root) => {
    const dir = createStateDir(root, "c");
    using _lock = lockContainer(dir);
    removeStateDir(dir);
    assertEquals(errorOf(() => lockContainer(dir)).kind, "not-found");
    createStateDir(root, "c");
    lockContainer(dir, { timeoutMs: 0 })[Symbol.dispose]();
  }));
