/** What a dump or restore has cost, from the file that CRIU leaves beside its log. */

import { fromBinary } from "@bufbuild/protobuf";
import { errnoOf, RunoError } from "../core/error.ts";
import { StatsEntrySchema } from "./gen/stats_pb.ts";
import type { Stats } from "./options.ts";

/** Which of the two. */
export type StatsOf = "dump" | "restore";

/** IMG_SERVICE_MAGIC and STATS_MAGIC, then the length: three words of 32 bits, little-endian. */
const MAGIC = [0x55105940, 0x57093306];
const HEADER_BYTES = 12;

/**
 * Reads the statistics of the last dump or restore in a directory.
 * @throws {RunoError}
 */
export function readStats(dir: string, of: StatsOf): Stats {
  const path = `${dir}/stats-${of}`;
  const entry = parseStats(readFile(path), path)[of];
  if (entry === undefined) throw new RunoError(`reading "${path}": no statistics of a ${of}`, { kind: "invalid" });
  const numbers = Object.entries(entry).filter(([, value]) => typeof value === "number" || typeof value === "bigint");
  return Object.fromEntries(numbers.map(([name, value]) => [name, Number(value)]));
}

function readFile(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw new RunoError(`reading "${path}"`, {
      cause: error,
      hint: errnoOf(error) === "ENOENT" ? "CRIU has written no statistics" : undefined,
    });
  }
}

function parseStats(bytes: Uint8Array, path: string) {
  const damaged = () => new RunoError(`reading "${path}": it is no statistics of CRIU`, { kind: "invalid" });
  if (bytes.length < HEADER_BYTES) throw damaged();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [service, magic, length] = [0, 4, 8].map((at) => view.getUint32(at, true));
  if (service !== MAGIC[0] || magic !== MAGIC[1] || bytes.length < HEADER_BYTES + length!) throw damaged();
  return fromBinary(StatsEntrySchema, bytes.subarray(HEADER_BYTES, HEADER_BYTES + length!));
}
