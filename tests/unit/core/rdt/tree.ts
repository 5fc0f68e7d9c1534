/** A directory that looks like a mounted resctrl. The kernel's part, files in new groups, is the tests' to play. */

import { readResctrl, type Resctrl } from "../../../../core/rdt/resctrl.ts";
import { type Tree, withTree } from "../cgroup/tree.ts";

/** A host that can do everything. */
const FILES: Readonly<Record<string, string>> = {
  schemata: "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n",
  tasks: "1\n",
  "info/last_cmd_status": "ok\n",
  "info/L3/cbm_mask": "fffff\n",
  "info/L3/min_cbm_bits": "1\n",
  "info/L3/num_closids": "16\n",
  "info/MB/bandwidth_gran": "10\n",
  "info/MB/delay_linear": "1\n",
  "info/MB/min_bandwidth": "10\n",
  "info/MB/num_closids": "8\n",
  "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n",
};

/** What a test gets. */
export interface Rdt extends Tree {
  readonly resctrl: Resctrl;
  has(file: string): boolean;
  /** Empties a group, as the kernel does before it removes one. */
  empty(group: string): void;
}

/** Runs a test with such a directory that has these files as well, and removes it. */
export function withResctrl(files: Readonly<Record<string, string>>, test: (rdt: Rdt) => void): void {
  withTree({ ...FILES, ...files }, (tree) => {
    const has = (file: string) => {
      try {
        Deno.lstatSync(`${tree.path}/${file}`);
        return true;
      } catch {
        return false;
      }
    };
    const empty = (group: string) => {
      Deno.removeSync(`${tree.path}/${group}`, { recursive: true });
      Deno.mkdirSync(`${tree.path}/${group}`);
    };
    test({ ...tree, resctrl: readResctrl(tree.path), has, empty });
  });
}
