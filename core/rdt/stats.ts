/** What a container's group has, and what is counted for it. */

import { readIfThere } from "./files.ts";
import type { RdtPaths } from "./group.ts";
import type { Resctrl } from "./resctrl.ts";
import { readSchemata } from "./schemata.ts";

/** All of it; what the host cannot do is not there. */
export interface RdtStats {
  readonly l3CacheInfo?: {
    /** All bits of the cache, hexadecimal. */
    readonly cbmMask: string | undefined;
    readonly minCbmBits: bigint | undefined;
    readonly numClosids: bigint | undefined;
  };
  /** The line of the default class, and that of the container's. */
  readonly l3CacheSchemaRoot?: string;
  readonly l3CacheSchema?: string;
  readonly memBwInfo?: {
    /** Percent. */
    readonly bandwidthGran: bigint | undefined;
    readonly delayLinear: bigint | undefined;
    /** Percent. */
    readonly minBandwidth: bigint | undefined;
    readonly numClosids: bigint | undefined;
  };
  readonly memBwSchemaRoot?: string;
  readonly memBwSchema?: string;
  /** All lines of the container's class. */
  readonly schemata: readonly string[];
  /** Bytes by L3 cache; undefined is what the kernel could not count. */
  readonly mbm?: readonly { readonly total: bigint | undefined; readonly local: bigint | undefined }[];
  readonly cmt?: readonly { readonly llcOccupancy: bigint | undefined }[];
}

/** Reads it. @throws {RunoError} */
export function rdtStats(resctrl: Resctrl, { path, monPath }: RdtPaths): RdtStats {
  const whole = readSchemata(resctrl.root), own = readSchemata(path);
  return {
    ...resctrl.cat ? cacheStats(resctrl, whole, own) : {},
    ...resctrl.mba ? bandwidthStats(resctrl, whole, own) : {},
    schemata: own,
    // without a group of its own: what all of its class use
    ...counted(monPath ?? path, resctrl),
  };
}

/** The last line about a resource. */
function lineOf(resource: string, lines: readonly string[]): string {
  return lines.findLast((line) => line.startsWith(resource)) ?? "";
}

function cacheStats({ root }: Resctrl, whole: string[], own: string[]) {
  const info = `${root}/info/L3`;
  return {
    l3CacheInfo: {
      cbmMask: readIfThere(`${info}/cbm_mask`),
      minCbmBits: readNumber(`${info}/min_cbm_bits`),
      numClosids: readNumber(`${info}/num_closids`),
    },
    l3CacheSchemaRoot: lineOf("L3", whole),
    l3CacheSchema: lineOf("L3", own),
  };
}

function bandwidthStats({ root }: Resctrl, whole: string[], own: string[]) {
  const info = `${root}/info/MB`;
  return {
    memBwInfo: {
      bandwidthGran: readNumber(`${info}/bandwidth_gran`),
      delayLinear: readNumber(`${info}/delay_linear`),
      minBandwidth: readNumber(`${info}/min_bandwidth`),
      numClosids: readNumber(`${info}/num_closids`),
    },
    memBwSchemaRoot: lineOf("MB", whole),
    memBwSchema: lineOf("MB", own),
  };
}

/** Each L3 cache has a directory in mon_data. */
function counted(path: string, { monitors }: Resctrl) {
  const has = (name: string) => monitors.includes(name);
  const isMbm = has("mbm_total_bytes") || has("mbm_local_bytes");
  if (!isMbm && !has("llc_occupancy")) return {};
  const data = `${path}/mon_data`;
  const caches = Array.from(Deno.readDirSync(data)).filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${data}/${name}`).sort();
  const mbm = caches.map((cache) => ({
    total: readNumber(`${cache}/mbm_total_bytes`),
    local: readNumber(`${cache}/mbm_local_bytes`),
  }));
  const cmt = caches.map((cache) => ({ llcOccupancy: readNumber(`${cache}/llc_occupancy`) }));
  return { ...isMbm ? { mbm } : {}, ...has("llc_occupancy") ? { cmt } : {} };
}

/** Undefined when the file is not there, or says "Unavailable" or "Error" instead. */
function readNumber(path: string): bigint | undefined {
  const text = readIfThere(path) ?? "";
  return /^\d+$/.test(text) ? BigInt(text) : undefined;
}
