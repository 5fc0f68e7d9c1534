import { assertEquals, assertThrows } from "@std/assert";

import type { Container } from "../../../core/host/container.ts";
import { RunoError } from "../../../core/error.ts";
import type { CheckpointOptions } from "../../../criu/options.ts";
import { dumpOptions } from "../../../criu/dump.ts";
import type { Directories } from "../../../criu/images.ts";

const OPTIONS = {
  manageCgroupsMode: "default",
  leaveRunning: false,
  preDump: false,
  emptyNs: 0,
} as unknown as CheckpointOptions;

const DIRECTORIES = { images: { number: 5 }, work: undefined } as unknown as Directories;

function container(cgroups: Record<string, string>, namespaces: readonly object[] = []): Container {
  const config = { rootfs: "/rootfs", version: "1.0.2", namespaces };
  return { id: "c", dir: "/nowhere", state: { config, init_process_pid: 1, cgroup_paths: cgroups } } as never;
}

function options(of: Container, version: number, statusFd?: number) {
  return dumpOptions(of, OPTIONS, {
    directories: DIRECTORIES,
    criu: { path: "criu", version },
    statusFd,
    yard: undefined,
  });
}

Deno.test("dumpOptions() has CRIU freeze the cgroup of v1, and that of v2 since 3.14", () => {
  const v1 = container({ freezer: "/f/c", memory: "/m/c" }), v2 = container({ "": "/u/c" });
  const hybrid = container({ freezer: "/f/c", "": "/u/c" }), other = container({ memory: "/m/c", "": "/u/c" });
  const freezers = (version: number) => [v1, v2, hybrid, other].map((of) => options(of, version).freezeCgroup);
  assertEquals(freezers(31399), ["/f/c", undefined, "/f/c", undefined]);
  assertEquals(freezers(31400), ["/f/c", "/u/c", "/f/c", undefined]);
});

Deno.test("dumpOptions() leaves no network unlocked to a CRIU before 3.19, nor one of others", () => {
  const own = container({}, [{ type: "NEWNET", path: "" }]), host = container({});
  assertEquals(options(own, 31899).networkLock, undefined);
  assertEquals(options(host, 40000).networkLock, undefined);
});

Deno.test("dumpOptions() gives the status file to a CRIU before 3.15 alone", () => {
  const of = container({});
  assertEquals([31499, 31500].map((version) => options(of, version, 9).statusFd), [9, undefined]);
});

Deno.test("dumpOptions() names namespaces of others by inode and key, to a CRIU that knows them", () => {
  const path = (name: string) => `/proc/self/ns/${name}`;
  const inode = (name: string) => Deno.statSync(path(name)).ino;
  const net = { type: "NEWNET", path: path("net") }, pid = { type: "NEWPID", path: path("pid") };
  const of = container({}, [net, pid, { type: "NEWIPC", path: path("ipc") }, { type: "NEWUTS", path: "" }]);
  const expected = [`net[${inode("net")}]:extRootNetNS`, `pid[${inode("pid")}]:extRootPidNS`];
  assertEquals(options(of, 31500).external, expected);
  for (const [namespace, since, file] of [[net, 31100, "net"], [pid, 31500, "pid"]] as const) {
    const one = container({}, [namespace]);
    assertEquals(options(one, since).external, [expected[file === "net" ? 0 : 1]!]);
    assertThrows(() => options(one, since - 1), RunoError, `criu lacks support for external ${file} namespace`);
  }
});
