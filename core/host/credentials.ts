/** Who this process is. It is asked by every command, so this file imports nothing. */

/** The effective ids of this process: Deno.uid() is the real one. */
export function effectiveIds(): { euid: number; egid: number } {
  const status = Deno.readTextFileSync("/proc/self/status");
  const second = (name: string) => Number(new RegExp(`^${name}:\\s+\\d+\\s+(\\d+)`, "m").exec(status)?.[1] ?? -1);
  return { euid: second("Uid"), egid: second("Gid") };
}

/** PROC_USER_INIT_INO of the kernel: the number of the first user namespace. */
const FIRST_USER_NAMESPACE = "user:[4026531837]";

/** True when this process is not root of the machine but of a user namespace, whatever that maps. */
export function inUserNamespace(): boolean {
  try {
    return Deno.readLinkSync("/proc/self/ns/user") !== FIRST_USER_NAMESPACE;
  } catch {
    // a kernel without user namespaces
    return false;
  }
}
