/** A block device that a test may do anything with. */

import { exists } from "../harness.ts";

/** Its numbers. */
export interface OwnDisk extends Disposable {
  readonly major: number;
  readonly minor: number;
}

/** Why there can be none, or false. */
export const noOwnDisk: string | false = !exists("/dev/loop-control") && "it needs loop devices";

/** A loop device over a file in the directory, with BFQ for its scheduler: weights by device are BFQ's alone. */
export function diskOfBfq(directory: string): OwnDisk {
  const file = `${directory}/disk`;
  Deno.writeTextFileSync(file, "");
  Deno.truncateSync(file, 1 << 20);
  const device = losetup("--find", "--show", file);
  const queue = `/sys/block/${device.slice("/dev/".length)}`;
  const before = /\[(.*)\]/.exec(Deno.readTextFileSync(`${queue}/queue/scheduler`))?.[1] ?? "none";
  const schedule = (name: string) => Deno.writeTextFileSync(`${queue}/queue/scheduler`, name, { create: false });
  schedule("bfq");
  const [major = 0, minor = 0] = Deno.readTextFileSync(`${queue}/dev`).trim().split(":").map(Number);
  return {
    major,
    minor,
    [Symbol.dispose]: () => {
      schedule(before);
      losetup("--detach", device);
    },
  };
}

function losetup(...args: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command("losetup", { args: [...args] }).outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`losetup ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}
