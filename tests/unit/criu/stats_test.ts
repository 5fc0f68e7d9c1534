import { assertEquals, assertThrows } from "@std/assert";
import { create, toBinary } from "@bufbuild/protobuf";

import { RunoError } from "../../../core/error.ts";
import { StatsEntrySchema } from "../../../criu/gen/stats_pb.ts";
import { readStats } from "../../../criu/stats.ts";

const DUMP = {
  freezingTime: 1,
  frozenTime: 2,
  memdumpTime: 3,
  memwriteTime: 4,
  pagesScanned: 5n,
  pagesSkippedParent: 6n,
  pagesWritten: 7n,
  pagesLazy: 8n,
};

function withFile(bytes: Uint8Array, run: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeFileSync(`${dir}/stats-dump`, bytes);
    run(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

/** The magic numbers as they stand in a file of CRIU 4.2, the length, the message. */
function file(message: Uint8Array): Uint8Array {
  return Uint8Array.from([0x40, 0x59, 0x10, 0x55, 0x06, 0x33, 0x09, 0x57, message.length, 0, 0, 0, ...message]);
}

Deno.test("readStats() reads CRIU's file as numbers", () => {
  const message = toBinary(StatsEntrySchema, create(StatsEntrySchema, { dump: DUMP }));
  withFile(file(message), (dir) => {
    const stats = readStats(dir, "dump");
    for (const [name, value] of Object.entries(DUMP)) assertEquals(stats[name], Number(value), name);
  });
});

Deno.test("readStats() refuses what is none", () => {
  const message = toBinary(StatsEntrySchema, create(StatsEntrySchema, {}));
  withFile(file(message), (dir) => assertThrows(() => readStats(dir, "dump"), RunoError, "no statistics of a dump"));
  withFile(
    file(message).fill(0),
    (dir) => assertThrows(() => readStats(dir, "dump"), RunoError, "no statistics of CRIU"),
  );
  withFile(new Uint8Array(3), (dir) => assertThrows(() => readStats(dir, "dump"), RunoError, "no statistics of CRIU"));
  withFile(
    file(message),
    (dir) => assertThrows(() => readStats(dir, "restore"), RunoError, "CRIU has written no statistics"),
  );
});
