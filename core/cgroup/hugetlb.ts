/** The hugetlb controller; v1 and v2 differ in the names of the files. Kernel: admin-guide/cgroup-v1/hugetlb.rst */

import { errnoOf } from "../error.ts";
import type { Resources } from "../spec/types.ts";
import { readIfThere } from "./files.ts";
import type { HugetlbStats } from "./stats.ts";
import { type Target, writeLimit } from "./target.ts";
import { count, decimal, flatKeyed } from "./text.ts";

export function isHugetlbSet({ hugepageLimits = [] }: Resources): boolean {
  return hugepageLimits.length > 0;
}

export function setHugetlbV1(target: Target, resources: Resources): void {
  setHugetlb(target, resources, "limit_in_bytes");
}

export function setHugetlbV2(target: Target, resources: Resources): void {
  setHugetlb(target, resources, "max");
}

/** Faults and reservations are limited alike. */
function setHugetlb(target: Target, { hugepageLimits = [] }: Resources, suffix: string): void {
  for (const { pageSize, limit } of hugepageLimits) {
    const hints = { ENOENT: `are there huge pages of ${pageSize} in /sys/kernel/mm/hugepages?` };
    writeLimit(target, `hugetlb.${pageSize}.${suffix}`, decimal(limit), { hints });
    try {
      writeLimit(target, `hugetlb.${pageSize}.rsvd.${suffix}`, decimal(limit));
    } catch (error) {
      // reservations are limited since Linux 5.7
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
}

type Files = (name: string) => HugetlbStats | undefined;

export function statHugetlbV1(path: string): Record<string, HugetlbStats> {
  return statHugetlb((name) => {
    const usage = readIfThere(`${path}/${name}.usage_in_bytes`);
    if (usage === undefined) return undefined;
    const number = (file: string) => count(readIfThere(`${path}/${name}.${file}`) ?? "");
    return { usage: count(usage), max: number("max_usage_in_bytes"), failcnt: number("failcnt") };
  });
}

export function statHugetlbV2(path: string): Record<string, HugetlbStats> {
  return statHugetlb((name) => {
    const usage = readIfThere(`${path}/${name}.current`);
    if (usage === undefined) return undefined;
    const events = flatKeyed(readIfThere(`${path}/${name.replace(/\.rsvd$/, "")}.events`) ?? "");
    return { usage: count(usage), max: 0n, failcnt: events.get("max") ?? 0n };
  });
}

/** Reservations where the kernel counts them, else faults. */
function statHugetlb(files: Files): Record<string, HugetlbStats> {
  return Object.fromEntries(
    hugePageSizes().flatMap((size) => {
      const stats = files(`hugetlb.${size}.rsvd`) ?? files(`hugetlb.${size}`);
      return stats === undefined ? [] : [[size, stats]];
    }),
  );
}

/** The sizes of huge pages that this machine has, as the files are called. */
function hugePageSizes(): string[] {
  try {
    return [...Deno.readDirSync("/sys/kernel/mm/hugepages")].flatMap(({ name }) => pageSizeName(name) ?? []);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** "2MB" for "hugepages-2048kB". */
export function pageSizeName(directory: string): string | undefined {
  const [, digits] = /^hugepages-(\d+)kB$/.exec(directory) ?? [];
  if (digits === undefined) return undefined;
  const kilobytes = Number(digits);
  if (kilobytes >= 1 << 20) return `${Math.floor(kilobytes / (1 << 20))}GB`;
  return kilobytes >= 1 << 10 ? `${Math.floor(kilobytes / (1 << 10))}MB` : `${kilobytes}KB`;
}
