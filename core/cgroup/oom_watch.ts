/** Being told when the kernel kills for want of memory. v1: admin-guide/cgroup-v1/memory.rst; v2: inotify(7) */

import { EFD_CLOEXEC, EFD_NONBLOCK, IN_CLOEXEC, IN_MODIFY, IN_NONBLOCK } from "../../ffi/abi.ts";
import { call, tryCall } from "../../ffi/call.ts";
import { Fd } from "../../ffi/fd.ts";
import { openReadOnly } from "../../ffi/file.ts";
import { allocate } from "../../ffi/memory.ts";
import { RunoError } from "../error.ts";
import { exists, writeValue } from "./files.ts";
import { oomKills } from "./oom.ts";
import { type Cgroup, isV2 } from "./paths.ts";

/** A watch on a container. */
export interface OomWatch extends Disposable {
  /** Readable (poll(2)) when something has happened. */
  readonly fd: number;
  /** How often memory ran out since the last call. */
  take(): number;
}

/** Watches a cgroup. @throws {RunoError} `unsupported` when its memory is not controlled */
export function watchOom(cgroup: Cgroup): OomWatch {
  const { memory, "": v2 } = cgroup.paths;
  if (v2 !== undefined && isV2(cgroup)) return watchV2(cgroup, v2);
  if (memory !== undefined) return watchV1(memory);
  throw new RunoError("memory controller missing", { kind: "unsupported" });
}

/** An eventfd that the kernel adds to: for each time, and once more when the cgroup is removed. */
function watchV1(path: string): OomWatch {
  const counter = new Fd(call("eventfd2", 0, EFD_CLOEXEC | EFD_NONBLOCK));
  const control = openReadOnly(`${path}/memory.oom_control`);
  writeValue(`${path}/cgroup.event_control`, `${counter.number} ${control.number} `);
  const bytes = allocate(8);
  return {
    fd: counter.number,
    take: () => {
      if (typeof tryCall("read", counter.number, bytes, bytes.length) !== "number") return 0;
      return exists(`${path}/cgroup.event_control`) ? Number(new DataView(bytes.buffer).getBigUint64(0, true)) : 0;
    },
    [Symbol.dispose]: () => {
      counter[Symbol.dispose]();
      control[Symbol.dispose]();
    },
  };
}

/** The files say how many processes were killed, and whether any are left: inotify tells that they have changed. */
function watchV2(cgroup: Cgroup, path: string): OomWatch {
  const watch = new Fd(call("inotify_init1", IN_CLOEXEC | IN_NONBLOCK));
  for (const file of ["memory.events", "cgroup.events"]) {
    const added = tryCall("inotify_add_watch", watch.number, `${path}/${file}`, IN_MODIFY);
    if (typeof added === "number") continue;
    watch[Symbol.dispose]();
    throw new RunoError(`watching "${path}/${file}": ${added}`, {
      hint: added === "ENOENT" ? "the controller is not enabled there" : undefined,
    });
  }
  const bytes = allocate(4096);
  let seen = oomKills(cgroup);
  return {
    fd: watch.number,
    take: () => {
      while (typeof tryCall("read", watch.number, bytes, bytes.length) === "number");
      const kills = oomKills(cgroup), more = kills - seen;
      seen = kills;
      return Math.max(more, 0);
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
