/** Events of a container as a table for people. */

import type { ContainerEvent } from "../core/host/events.ts";

type Stats = (ContainerEvent & { readonly type: "stats" })["data"];

const COLUMNS = ["CPU", "CPU TIME", "MEMORY", "LIMIT", "PIDS", "READ", "WRITTEN"];
const WIDTH = 12;

/** One line for each event; the share of the CPU is counted from the event before. */
export class UsageTable {
  #last: { readonly cpu: bigint; readonly time: number } | undefined;
  #begun = false;

  /** The lines of an event, with a heading before the first. @param time milliseconds */
  lines(event: ContainerEvent, time: number): string {
    const heading = this.#begun ? "" : row(COLUMNS);
    this.#begun = true;
    return heading + (event.type === "oom" ? `out of memory: ${event.id}\n` : row(this.#cells(event.data, time)));
  }

  #cells({ cpu, memory, pids, blkio }: Stats, time: number): string[] {
    const { total } = cpu.usage, last = this.#last;
    this.#last = { cpu: total, time };
    const share = last === undefined ? "-" : `${(Number(total - last.cpu) / 1e4 / (time - last.time)).toFixed(1)}%`;
    const bytes = (operation: string) =>
      amount(
        blkio.ioServiceBytesRecursive.filter(({ op }) => op.toLowerCase() === operation)
          .reduce((sum, { value }) => sum + value, 0n),
      );
    return [
      share,
      `${(Number(total) / 1e9).toFixed(2)} s`,
      amount(memory.usage.usage),
      memory.usage.limit >= UNLIMITED ? "-" : amount(memory.usage.limit),
      String(pids.current),
      bytes("read"),
      bytes("write"),
    ];
  }
}

/** v1 rounds its largest number down to whole pages. */
const UNLIMITED = 2n ** 62n;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** "12.3 MiB" */
export function amount(bytes: bigint): string {
  let value = Number(bytes), unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

function row(cells: readonly string[]): string {
  return `${cells.map((cell) => cell.padEnd(WIDTH)).join("").trimEnd()}\n`;
}
