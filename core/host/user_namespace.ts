/** User namespaces that the host looks into, or makes for their maps alone. user_namespaces(7) */

import { SIGKILL } from "../../ffi/abi.ts";
import { tryCall } from "../../ffi/call.ts";
import { duplicate, type Fd } from "../../ffi/fd.ts";
import { openReadOnlyFollow, sealedFile } from "../../ffi/file.ts";
import { passCredentials, socketPair } from "../../ffi/socket.ts";
import { reap, spawn } from "../../ffi/spawn.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { Maps, MapSource } from "../plan/idmapped.ts";
import { planUserNamespace } from "../plan/user_namespace.ts";
import type { IdMapping, Spec } from "../spec/types.ts";
import { converse } from "./conversation.ts";
import { writeIdMaps } from "./idmap.ts";

/** A descriptor of a user namespace: of the one with the path, or of a new one with the maps. */
export function openUserNamespace(source: MapSource): Fd {
  if ("path" in source) return openNamespace(source.path);
  let made: Fd | undefined;
  visit({ maps: source }, (pid) => made = openReadOnlyFollow(`/proc/${pid}/ns/user`));
  return made!;
}

/**
 * Checks that maps given beside the path of a user namespace are those that it has: containerd and CRI-O give both.
 * @throws {RunoError} `invalid` when they are others
 */
export function checkJoinedMaps({ linux = {} }: Spec): void {
  const path = linux.namespaces?.find(({ type }) => type === "user")?.path ?? "";
  const { uidMappings = [], gidMappings = [] } = linux;
  if (path === "" || uidMappings.length + gidMappings.length === 0) return;
  const maps = readMaps(path);
  if (!sameMap(uidMappings, maps.uidMappings) || !sameMap(gidMappings, maps.gidMappings)) {
    // the words are runc's
    const text =
      "user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only " +
      "provide one";
    throw new RunoError(text, { kind: "invalid", hint: `"${path}" maps uids ${mapText(maps.uidMappings)}` });
  }
}

function sameMap(one: readonly IdMapping[], other: readonly IdMapping[]): boolean {
  const text = (map: readonly IdMapping[]) => map.map((line) => mapText([line])).sort().join();
  return text(one) === text(other);
}

function mapText(map: readonly IdMapping[]): string {
  return map.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`).join(", ");
}

/** The maps of the user namespace with this path, in ids of the caller's. */
function readMaps(path: string): Maps {
  const [, pid] = /^\/proc\/(\d+)\/ns\/user$/.exec(path) ?? [];
  // a process of the namespace is there: no need to make one
  if (pid !== undefined) return processMaps(pid);
  let maps: Maps | undefined;
  using namespace = openNamespace(path);
  visit({ join: namespace }, (visitor) => maps = processMaps(visitor));
  return maps!;
}

/** The maps of the user namespace that a process is in, in ids of the caller's. */
export function processMaps(pid: number | string): Maps {
  const read = (kind: "uid" | "gid") => parseMap(Deno.readTextFileSync(`/proc/${pid}/${kind}_map`));
  try {
    return { uidMappings: read("uid"), gidMappings: read("gid") };
  } catch (error) {
    throw new RunoError(`reading the id maps of process ${pid}`, { cause: error });
  }
}

/** Lines of uid_map or gid_map. */
export function parseMap(text: string): IdMapping[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}

function openNamespace(path: string): Fd {
  try {
    return openReadOnlyFollow(path);
  } catch (error) {
    throw new RunoError(`opening user namespace "${path}"`, {
      cause: error,
      hint: errnoOf(error) === "ENOENT" ? "the namespace does not exist (any more)" : undefined,
    });
  }
}

/** Calls `look` with the pid of a process in the user namespace, which ends after that. */
function visit(where: { readonly join: Fd } | { readonly maps: Maps }, look: (pid: number) => void): void {
  const [ours, theirs] = socketPair();
  using socket = ours;
  passCredentials(socket);
  const { program, pid } = start(theirs, "join" in where ? where.join : undefined);
  try {
    converse(socket, program, {
      asker: () => {},
      idmap: ({ pid }) => "maps" in where ? writeIdMaps(pid, where.maps, { euid: 0, egid: 0 }) : undefined,
      ready: ({ pid }) => void look(pid),
    });
  } finally {
    tryCall("kill", pid, SIGKILL);
    reap(pid);
  }
}

function start(theirs: Fd, join: Fd | undefined) {
  using files = new DisposableStack();
  files.use(theirs);
  const inherit = (fd: Fd) => files.use(duplicate(fd.number, 3, true)).number;
  const socket = inherit(theirs);
  const program = planUserNamespace(Deno.build.arch, join === undefined ? undefined : inherit(join));
  using image = sealedFile("runo-userns", program.image(socket));
  return { program, pid: spawn(`/proc/self/fd/${image.number}`, ["runo", "userns"], []) };
}
