/** What a container uses. */

import { statHugetlbV2 } from "./hugetlb.ts";
import { type Cgroup, isV2 } from "./paths.ts";
import type { CgroupStats } from "./stats.ts";
import { statV1 } from "./v1/controllers.ts";
import { statV2 } from "./v2/controllers.ts";

/** Reads all counters of a cgroup. @throws {RunoError} */
export function cgroupStats(cgroup: Cgroup): CgroupStats {
  const { "": v2 } = cgroup.paths;
  if (v2 !== undefined && isV2(cgroup)) return statV2(v2);
  const stats = statV1(cgroup.paths);
  // a hybrid host may have controllers in v2
  return cgroup.paths["hugetlb"] !== undefined || v2 === undefined ? stats : { ...stats, hugetlb: statHugetlbV2(v2) };
}
