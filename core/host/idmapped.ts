/** The user namespaces of id-mapped mounts. */

import { duplicate, type Fd } from "../../ffi/fd.ts";
import { type MapSource, mountIdmap } from "../plan/idmapped.ts";
import { allMounts } from "../plan/sources.ts";
import type { CreateInputs } from "../plan/inputs.ts";
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
