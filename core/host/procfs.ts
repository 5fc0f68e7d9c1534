/** What /proc says about processes and about this boot, proc(5). */

import { errnoOf, RunoError } from "../error.ts";

/** Some fields of /proc/PID/stat. */
export interface ProcessStat {
  /** The program's name, as execve(2) or the program itself set it. */
  readonly comm: string;
  /** One letter: R, S, D, T, t, Z (zombie), X (dead) ... */
  readonly state: string;
  readonly ppid: number;
  /** Clock ticks since boot; together with the pid it names a process for good. */
  readonly startTime: number;
}

/** The process, or undefined when there is none (any more). Pid 0 is no process. */
export function processStat(pid: number): ProcessStat | undefined {
  if (pid <= 0) return undefined;
  const path = `/proc/${pid}/stat`;
  try {
    return parseStat(Deno.readTextFileSync(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || endedMeanwhile(error)) return undefined;
    throw new RunoError(`reading "${path}"`, { cause: error });
  }
}

/** ESRCH: the process ended between open and read. Deno has no code for that errno, only its number in the message. */
function endedMeanwhile(error: unknown): boolean {
  return errnoOf(error) === "ESRCH" || (error instanceof Error && error.message.includes("(os error 3)"));
}

/** One line of /proc/PID/stat. The second field is the program's name in parentheses, with whatever it likes in it. */
export function parseStat(line: string): ProcessStat {
  const end = line.lastIndexOf(")");
  const [state = "", ppid, ...rest] = line.slice(end + 2).split(" ");
  // fields 2, 3, 4 and 22 of proc(5)
  return { comm: line.slice(line.indexOf("(") + 1, end), state, ppid: Number(ppid), startTime: Number(rest[17]) };
}

/** The pid as the process' own pid namespace has it. */
export function innerPid(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? pid);
}

/** Whether the process with this pid is the one that was started then, and has not ended. A zombie has. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== "Z" && stat.state !== "X";
}

/** What tells this boot of the machine from any other; "" where /proc hides it. */
export function bootId(): string {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return "";
  }
}
