/** The device filter of a cgroup of v2: loaded into the kernel and attached to the cgroup. */

import { attachDeviceFilter, attachedDeviceFilters, detachDeviceFilter, loadDeviceFilter } from "../../../ffi/bpf.ts";
import { openDirectory } from "../../../ffi/file.ts";
import { errnoOf, RunoError } from "../../error.ts";
import type { DeviceRule } from "../../spec/types.ts";
import { deviceFilter } from "./filter.ts";

const HINTS: Readonly<Record<string, string>> = {
  EPERM: "device filters need CAP_BPF and CAP_NET_ADMIN in the initial user namespace, or CAP_SYS_ADMIN there",
  EINVAL: "the kernel has no BPF for cgroups (CONFIG_CGROUP_BPF)",
  ENOSYS: "the kernel has no BPF (CONFIG_BPF_SYSCALL)",
  E2BIG: "the cgroup has as many filters as it may have",
};

/**
 * Makes the cgroup allow what the rules allow. The filter that it has is replaced in one step.
 * @param fresh whether the cgroup was just made, so that it cannot have a filter yet
 * @throws {RunoError}
 */
export function setDevicesV2(path: string, rules: readonly DeviceRule[], fresh: boolean): void {
  const program = deviceFilter(rules);
  try {
    using directory = openDirectory(path);
    using filter = loadDeviceFilter(program);
    using old = new DisposableStack();
    const attached = fresh ? [] : attachedDeviceFilters(directory).map((fd) => old.use(fd));
    attachDeviceFilter(directory, filter, attached.length === 1 ? attached[0] : undefined);
    // all must agree to an access: the old ones would go on denying
    if (attached.length > 1) { for (const other of attached) detachDeviceFilter(directory, other); }
  } catch (error) {
    throw new RunoError(`setting the device filter of "${path}"`, {
      cause: error,
      hint: HINTS[errnoOf(error) ?? ""],
    });
  }
}
