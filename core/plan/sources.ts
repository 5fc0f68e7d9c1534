/** Sources of bind mounts that must be taken while the process still has the rights of the host's user. */

import * as abi from "../../ffi/abi.ts";
import type { Handling, Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Linux, Mount } from "../spec/types.ts";
import { ASK } from "./asks.ts";
import { mountIdmap } from "./idmapped.ts";
import { type CreateInputs, hasNamespace } from "./inputs.ts";
import { isBind, parseOptions } from "./mount_options.ts";

/** How far above the given descriptors those of the sources lie: namespaces and cgroups are opened between. */
const BETWEEN = 64;

/**
 * Copies the sources of the bind mounts, by the index of the mount. root of a user namespace may not reach them any more.
 * An unprivileged user cannot copy mounts before it has a user namespace of its own, and has the same rights there.
 * @returns their descriptors, which have fixed numbers: there may be more of them than registers
 */
export function openSources(p: Program, inputs: CreateInputs): Map<number, number> {
  const sources = new Map<number, number>();
  if (inputs.facts.euid !== 0) return sources;
  const first = Math.max(inputs.socket, inputs.fifo, ...inputs.idmaps.values()) + BETWEEN;
  for (const [i, mount] of allMounts(inputs).entries()) {
    // what lies in the root file system is what the mounts before have made of it
    if (!isBind(mount) || absoluteSource(mount.source ?? "", inputs.bundle).startsWith(`${inputs.rootfs}/`)) continue;
    const number = first + sources.size, refused = p.label(`no copy of ${mount.source}`);
    const tree = p.register("tree");
    // root of a user namespace that has the mount namespace of another: it must have its own before
    openSource(p, i, inputs, { tree, handling: { on: "EPERM", to: refused } });
    // as if it were a mount of the new mount namespace: shared with the host's, it would carry there what is mounted on it
    p.mountSetattr(tree, "", { propagation: abi.MS_SLAVE, recursive: true });
    p.emit("dup3", [tree, number, abi.O_CLOEXEC]);
    p.close(tree);
    p.place(refused);
    sources.set(i, number);
  }
  return sources;
}

/** The copy of a mount's source, made before or now. */
export function takeSource(p: Program, index: number, inputs: CreateInputs, opened: number | undefined): Reg {
  const tree = p.register("tree");
  const hostMaps = inputs.facts.euid === 0 && hasNamespace(inputs.spec, "user");
  if (opened === undefined) return openSource(p, index, inputs, { tree, hostMaps });
  sourceStep(p, index, inputs);
  const missing = p.label("copy the source now"), have = p.label("have the source");
  p.emitInto(tree, "move", [opened]);
  p.emit("fcntl", [opened, abi.F_GETFD, 0], { on: "EBADF", to: missing });
  p.jump(have);
  p.place(missing);
  openSource(p, index, inputs, { tree, hostMaps });
  p.place(have);
  return tree;
}

/** Where the copy goes, and what becomes of an error. */
interface Copy {
  readonly tree: Reg;
  readonly handling?: Handling;
  /** Whether the host may map the ids when this process may not. */
  readonly hostMaps?: boolean;
}

/** Makes a detached copy of the mount's source. */
export function openSource(
  p: Program,
  index: number,
  inputs: Pick<CreateInputs, "spec" | "extraMounts" | "bundle" | "idmaps">,
  { tree, handling = {}, hostMaps = false }: Copy,
): Reg {
  const { mount, source } = sourceStep(p, index, inputs);
  const { recursiveBind } = parseOptions(mount.options ?? []);
  p.openTreeInto(tree, abi.AT_FDCWD, source, { recursive: recursiveBind }, handling);
  const userNamespace = inputs.idmaps.get(index);
  if (userNamespace !== undefined) {
    mapIds(p, tree, { mount, source, index, userNamespace, hostMaps }, inputs.spec.linux ?? {});
  }
  return tree;
}

function sourceStep(p: Program, index: number, inputs: Pick<CreateInputs, "spec" | "extraMounts" | "bundle">) {
  const mount = allMounts(inputs)[index]!;
  const source = absoluteSource(mount.source ?? "", inputs.bundle);
  p.step(`mounting "${source}" at "${mount.destination}": opening the source`, {
    pointer: `/mounts/${index}/source`,
    hints: { EACCES: `the caller may not search "${source}"` },
    // the words that runc has, for callers that look for them
    sentences: { ENOENT: `mounting "${source}" at "${mount.destination}": stat ${source}: no such file or directory` },
  });
  return { mount, source };
}

interface Mapped {
  readonly mount: Mount;
  readonly source: string;
  readonly index: number;
  readonly userNamespace: number;
  readonly hostMaps: boolean;
}

/** Only root of the file system's user namespace may, and only as long as nobody else can see the mount. */
function mapIds(p: Program, tree: Reg, mapped: Mapped, linux: Linux): void {
  const { mount, source, index, userNamespace, hostMaps } = mapped;
  p.step(`mounting "${source}" at "${mount.destination}": mapping the ids`, {
    pointer: `/mounts/${index}`,
    hints: {
      EINVAL: "the file system, or this kernel, has no id-mapped mounts",
      EPERM: "it needs root of the machine, and a mount that is not id-mapped yet",
    },
  });
  const recursive = mountIdmap(mount, linux)?.recursive ?? false;
  const attributes = { set: abi.MOUNT_ATTR_IDMAP, userNamespace, recursive };
  if (!hostMaps) return p.mountSetattr(tree, "", attributes);
  const refused = p.label("have the host map the ids"), done = p.label("ids mapped");
  p.mountSetattr(tree, "", attributes, { on: "EPERM", to: refused });
  p.jump(done);
  p.place(refused);
  p.askWithFd(ASK.mapIds, "mapIds", tree, { number: index });
  p.place(done);
}

/** Closes the descriptors of the user namespaces once all mounts have their maps. */
export function closeIdmaps(p: Program, { idmaps }: CreateInputs): void {
  for (const fd of new Set(idmaps.values())) p.emit("close", [fd], { ignore: "any" });
}

/** The mounts of the config and those that runo adds. */
export function allMounts({ spec, extraMounts }: Pick<CreateInputs, "spec" | "extraMounts">): readonly Mount[] {
  return [...spec.mounts ?? [], ...extraMounts];
}

/** A bind source below the bundle may be relative. */
export function absoluteSource(source: string, bundle: string): string {
  return source.startsWith("/") ? source : `${bundle}/${source}`;
}
