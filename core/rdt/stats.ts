/** What a container has of Intel RDT, and what it uses. */

import type { RdtPaths } from "./group.ts";
import type { Resctrl } from "./resctrl.ts";
import { readSchemata } from "./schemata.ts";

/** Everything; absent is what the machine has not. */
export interface RdtStats {
  readonly l3CacheInfo?: { readonly cbmMask: string; readonly minCbmBits: bigint; readonly numClosids: bigint };
  /** Schemata of the default class, and of the container's. */
  readonly l3CacheSchemaRoot?: string;
  readonly l3CacheSchema?: string;
  readonly memBwInfo?: {
    readonly bandwidthGran: bigint;
    readonly delayLinear: bigint;
    readonly minBandwidth: bigint;
    readonly numClosids: bigint;
  };
  readonly memBwSchemaRoot?: string;
  readonly memBwSchema?: string;
  /** Counters of each NUMA node, in its order; bytes. */
  readonly mbm?: readonly { readonly total: bigint; readonly local: bigint }[];
  readonly cmt?: readonly { readonly llcOccupancy: bigint }[];
}

/** Reads all that there is. @throws {RunoError} */
export function rdtStats({ root, cat, mba }: Resctrl, { path, monPath }: RdtPaths): RdtStats {
  const shared = readSchemata(root), own = path === root ? shared : readSchemata(path);
  return {
    ...cat
      ? {
        l3CacheInfo: l3Info(`${root}/info/L3`),
        l3CacheSchemaRoot: lineOf(shared, "L3"),
        l3CacheSchema: lineOf(own, "L3"),
      }
      : {},
    ...mba
      ? {
        memBwInfo: bandwidthInfo(`${root}/info/MB`),
        memBwSchemaRoot: lineOf(shared, "MB"),
        memBwSchema: lineOf(own, "MB"),
      }
      : {},
    ...monPath === undefined ? {} : counters(`${monPath}/mon_data`),
  };
}

function lineOf(lines: readonly string[], resource: string): string {
  return lines.find((line) => line.startsWith(`${resource}:`)) ?? "";
}

function l3Info(path: string): NonNullable<RdtStats["l3CacheInfo"]> {
  return {
    cbmMask: text(`${path}/cbm_mask`),
    minCbmBits: number(`${path}/min_cbm_bits`),
    numClosids: number(`${path}/num_closids`),
  };
}

function bandwidthInfo(path: string): NonNullable<RdtStats["memBwInfo"]> {
  return {
    bandwidthGran: number(`${path}/bandwidth_gran`),
    delayLinear: number(`${path}/delay_linear`),
    minBandwidth: number(`${path}/min_bandwidth`),
    numClosids: number(`${path}/num_closids`),
  };
}

/** One directory for each L3 cache: "mon_L3_00", ... */
function counters(path: string): Pick<RdtStats, "mbm" | "cmt"> {
  const caches = [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`).sort();
  return {
    mbm: caches.map((cache) => ({
      total: number(`${cache}/mbm_total_bytes`),
      local: number(`${cache}/mbm_local_bytes`),
    })),
    cmt: caches.map((cache) => ({ llcOccupancy: number(`${cache}/llc_occupancy`) })),
  };
}

// "" and 0 for what this CPU does not count
function text(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return "";
  }
}

function number(path: string): bigint {
  const value = text(path);
  return /^\d+$/.test(value) ? BigInt(value) : 0n;
}
