/** Id-mapped mounts: their user namespaces, and those that only the host can map. */

import { AT_EMPTY_PATH, AT_RECURSIVE, MOUNT_ATTR_IDMAP } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import { duplicate, type Fd } from "../../ffi/fd.ts";
import { MOUNT_ATTR } from "../../ffi/structs.ts";
import { RunoError } from "../error.ts";
import { type MapSource, mountIdmap } from "../plan/idmapped.ts";
import { allMounts } from "../plan/sources.ts";
import type { CreateInputs } from "../plan/inputs.ts";
import type { Linux, Mount } from "../spec/types.ts";
import { openUserNamespace } from "./user_namespace.ts";

/** Inheritable descriptors of user namespaces, by the index of the mount. Mounts with the same maps share one. */
export class MountNamespaces implements Disposable {
  readonly numbers: ReadonlyMap<number, number>;
  readonly #open = new DisposableStack();

  /** @param lowest the lowest number that a descriptor may get */
  constructor(inputs: Pick<CreateInputs, "spec" | "extraMounts">, lowest: number) {
    const byMaps = new Map<string, number>();
    const numbers = new Map<number, number>();
    for (const [index, mount] of allMounts(inputs).entries()) {
      const idmap = mountIdmap(mount, inputs.spec.linux ?? {});
      if (idmap === undefined) continue;
      const key = JSON.stringify(idmap.source);
      const number = byMaps.get(key) ?? this.#inherit(idmap.source, lowest).number;
      byMaps.set(key, number);
      numbers.set(index, number);
    }
    this.numbers = numbers;
  }

  #inherit(source: MapSource, lowest: number): Fd {
    using namespace = openUserNamespace(source);
    return this.#open.use(duplicate(namespace.number, lowest, true));
  }

  [Symbol.dispose](): void {
    this.#open.dispose();
  }
}

/**
 * Maps the ids of a detached copy of the mount's source, which root of the container's user namespace has made and may not
 * map: of what lies in the root file system as the mounts before have made it. mount_setattr(2)
 * @throws {RunoError}
 */
export function mapMount(tree: Fd, mount: Mount, linux: Linux): void {
  const idmap = mountIdmap(mount, linux);
  if (idmap === undefined) return;
  using namespace = openUserNamespace(idmap.source);
  const attributes = MOUNT_ATTR.pack({ attr_set: MOUNT_ATTR_IDMAP, userns_fd: namespace.number });
  const flags = AT_EMPTY_PATH | (idmap.recursive ? AT_RECURSIVE : 0);
  try {
    call("mount_setattr", tree.number, "", flags, attributes, MOUNT_ATTR.size);
  } catch (error) {
    throw new RunoError(`mounting "${mount.source}" at "${mount.destination}": mapping the ids`, { cause: error });
  }
}
