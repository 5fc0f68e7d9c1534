/** The rdma controller, the same in v1 and v2. Kernel: admin-guide/cgroup-v1/rdma.rst */

import type { Rdma, Resources } from "../spec/types.ts";
import { readIfThere } from "./files.ts";
import type { RdmaEntry, RdmaStats } from "./stats.ts";
import { type Target, writeLimit } from "./target.ts";
import { decimal, deviceLine, nestedKeyed } from "./text.ts";

export function isRdmaSet({ rdma = {} }: Resources): boolean {
  return Object.keys(rdma).length > 0;
}

export function setRdma(target: Target, { rdma = {} }: Resources): void {
  for (const [device, limits] of Object.entries(rdma)) {
    writeLimit(target, "rdma.max", rdmaLine(device, limits), {
      hints: { EINVAL: `is there an RDMA device "${device}"?`, ENODEV: `there is no RDMA device "${device}"` },
      restore: (content) => [`${device} ${deviceLine(content, device) ?? "hca_handle=max hca_object=max"}`],
    });
  }
}

function rdmaLine(device: string, { hcaHandles, hcaObjects }: Rdma): string {
  const handles = hcaHandles === undefined ? "" : ` hca_handle=${decimal(hcaHandles)}`;
  const objects = hcaObjects === undefined ? "" : ` hca_object=${decimal(hcaObjects)}`;
  return `${device}${handles}${objects}`;
}

/** Undefined when there is no RDMA device. */
export function statRdma(path: string): RdmaStats | undefined {
  const current = entries(`${path}/rdma.current`), limit = entries(`${path}/rdma.max`);
  return current.length === 0 || current.length !== limit.length ? undefined : { current, limit };
}

// the kernel's counters have 32 bits
const MAX = 2n ** 32n - 1n;

function entries(path: string): RdmaEntry[] {
  const number = (text = "0") => text === "max" ? MAX : BigInt(text);
  return [...nestedKeyed(readIfThere(path) ?? "")].map(([device, values]) => ({
    device,
    hcaHandles: number(values.get("hca_handle")),
    hcaObjects: number(values.get("hca_object")),
  }));
}
