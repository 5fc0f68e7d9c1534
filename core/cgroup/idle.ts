/** cpu.idle, the same in v1 and v2: a cgroup that gets only what nobody else wants. Linux 5.15 */

import { readIfThere, writeValue } from "./files.ts";
import { type Target, writeLimit } from "./target.ts";
import { decimal } from "./text.ts";

/**
 * Sets cpu.idle around the weight: an idle cgroup has none that could be set, and one that stops being idle has the default.
 * @param weightFile cpu.shares or cpu.weight
 */
export function withIdle(target: Target, idle: number | undefined, weightFile: string, setWeight: () => void): void {
  if (idle !== 1) {
    if (idle !== undefined) writeLimit(target, "cpu.idle", decimal(idle));
    setWeight();
    return;
  }
  const weight = readIfThere(`${target.path}/${weightFile}`), before = readIfThere(`${target.path}/cpu.idle`);
  if (before !== "1") setWeight();
  // taken back after the other, and so when it has a weight again
  if (weight !== undefined && before === "0") {
    target.undo?.push(() => writeValue(`${target.path}/${weightFile}`, weight));
  }
  writeLimit(target, "cpu.idle", "1", { hints: { ENOENT: "this kernel has no cpu.idle (Linux 5.15)" } });
}
