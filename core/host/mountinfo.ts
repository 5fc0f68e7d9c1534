/** Reading /proc/self/mountinfo, for the rare cases that need it. proc_pid_mountinfo(5) */

/** One line. */
export interface MountEntry {
  /** The directory of the file system that is the root of this mount. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
}

/** All mounts, in the kernel's order. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const fields = line.split(" ");
    const separator = fields.indexOf("-", 6);
    return {
      root: unescape(fields[3] ?? ""),
      mountPoint: unescape(fields[4] ?? ""),
      type: fields[separator + 1] ?? "",
    };
  });
}

/** Blanks, tabs, newlines and backslashes are octal. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

function read(): MountEntry[] {
  return parseMountinfo(Deno.readTextFileSync("/proc/self/mountinfo"));
}

/** The mount point that a path lies below: the longest, and of those the last. */
export function enclosingMount(path: string): string {
  let best = "/";
  for (const { mountPoint } of read()) {
    const above = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (above && mountPoint.length >= best.length) best = mountPoint;
  }
  return best;
}

/** Mount points of whole procfs and sysfs file systems, the deepest first. */
export function hostProcMounts(): string[] {
  return read().filter(({ root, type }) => root === "/" && (type === "proc" || type === "sysfs"))
    .map(({ mountPoint }) => mountPoint).toReversed();
}
