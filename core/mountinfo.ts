/** Reading /proc/self/mountinfo, for the rare cases that need it. proc_pid_mountinfo(5) */

/** One line. */
export interface MountEntry {
  /** The directory of the file system that is the root of this mount. */
  readonly root: string;
  readonly mountPoint: string;
  /** Whether this mount is read-only; others of the same file system need not be. */
  readonly readOnly: boolean;
  readonly type: string;
  /** Options of the file system itself ("rw", "cpu", "name=systemd"). */
  readonly options: readonly string[];
}

/** All mounts, in the kernel's order. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const fields = line.split(" ");
    const separator = fields.indexOf("-", 6);
    return {
      root: unescape(fields[3] ?? ""),
      mountPoint: unescape(fields[4] ?? ""),
      readOnly: /^ro\b/.test(fields[5] ?? ""),
      type: fields[separator + 1] ?? "",
      options: (fields[separator + 3] ?? "").split(","),
    };
  });
}

/** Blanks, tabs, newlines and backslashes are octal. */
function unescape(field: string): string {
  if (!field.includes("\\")) return field;
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

/** The mounts that this process sees. */
export function readMountinfo(): MountEntry[] {
  return parseMountinfo(Deno.readTextFileSync("/proc/self/mountinfo"));
}
