/** What CRIU's log says about a failure: its first errors, and what may help against them. */

/** A failure as the log tells it. */
export interface Failure {
  /** The first error that is not one of those that harm nothing, as CRIU words it. */
  readonly error: string;
  /** What may help; undefined for an error that is not known. */
  readonly hint: string | undefined;
  /** The lines around the errors, with their numbers, as `grep -n -B5 Error` shows them. */
  readonly context: readonly string[];
}

/** Errors that CRIU logs and goes on. */
const HARMLESS = [
  /rlimit: Can't setup RLIMIT_NOFILE/,
  /Can't (save|load|rename) kdat|kdat cache/,
  /Can't stat \/proc\/self\/uid_map/,
  // what is left of CRIU when the rest of it has ended
  /cgroupd: recv req error/,
];

/** The last words, which say that it failed and not why. */
const GENERAL =
  /Dumping FAILED|Restoring FAILED|Pre-dumping FAILED|Dump files \(pid|Dump .* failed with|exited, status=/;

/** What helps, by what CRIU says. The first that matches counts. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/[Cc]onnected TCP socket|tcp-established/, "the container has open TCP connections: --tcp-established"],
  [/[Ii]n-flight connection|skip-in-flight/, "a TCP connection is being accepted: --tcp-skip-in-flight"],
  [/external socket is used|ext-unix-sk|External socket/, "a UNIX socket leads out of the container: --ext-unix-sk"],
  [/file locks are hold|--file-locks/, "processes of the container hold file locks: --file-locks"],
  [
    /--shell-job|dangling tty|session leader of .* is outside/,
    "a process belongs to a session or terminal outside: --shell-job",
  ],
  [/--link-remap|Can't create link remap|link remap/, "a file that is open has been unlinked: --link-remap"],
  [
    /ghost file .*size|Can't dump ghost file/,
    'an unlinked file that is open is too big: "ghost-limit" in /etc/criu/runc.conf',
  ],
  [
    /Can't lookup mount=\S+ for fd=\S+ path=\/dev\/(pts\/|tty|console)/,
    "a descriptor is open on a terminal outside of the container: --shell-job, with CRIU 3.18 or newer",
  ],
  [
    /Can't lookup mount=\S+ for fd=\S+ path=/,
    "a descriptor is open on a file outside of the container: start it with pipes, a terminal or /dev/null as stdio",
  ],
  [
    /enable-external-masters|unreachable sharing/,
    'a mount is shared with one outside: "enable-external-masters" in /etc/criu/runc.conf',
  ],
  [
    /[Nn]o mapping for .* mountpoint|No ext(ernal)? mount|doesn't have a proper root mount/,
    "a mount of the container comes from outside and is not in its config.json",
  ],
  [
    /FS mnt .* unsupported|fs type .* unsupported|Unsupported file ?system/i,
    "CRIU cannot dump this kind of file system",
  ],
  [
    /Dirty tracking|mem_track|soft-dirty|Tracking memory is not available/i,
    "the kernel has no memory tracking (CONFIG_MEM_SOFT_DIRTY): without --pre-dump and --parent-path",
  ],
  [/uffd|userfaultfd/i, "the kernel has no userfaultfd, or does not allow it: without --lazy-pages"],
  [/page-pipe: (splice|tee): -1/, "lazy pages need CAP_SYS_RESOURCE, or a sysctl fs.pipe-max-size of 4194304"],
  [
    /page-xfer.*[Cc]onnect|Can't connect to (page )?server|connect to lazy-pages|lazy-pages socket/i,
    "is the page server running, at this address, and `criu lazy-pages` in the same work directory?",
  ],
  [
    /has bad (size|mode|build-ID)|File .* has (bad|wrong)/,
    "a file differs from what it was at the checkpoint: restore with the same root file system",
  ],
  [
    /Can't open file .* on restore|Can't (open|stat|link) .*No such file|open.*: No such file/,
    "a file is missing that was there at the checkpoint: restore with the same root file system",
  ],
  [
    /Pid \d+ (do not|doesn't) match|Can't fork for \d+: File exists|clone.*File exists|set_tid/,
    "the process id is taken: without a pid namespace of its own a container can be restored only where its ids are free",
  ],
  [/empty-image|Unexpected EOF|Magic doesn't match/, "an image is missing or cut short: is the checkpoint whole?"],
  [
    /Address already in use/,
    "another process listens on the container's port: stop it, or use another network namespace",
  ],
  [
    /Cannot assign requested address|Can't bind inet/,
    "an address of the container is missing: set up its network in a prestart hook",
  ],
  [/inherit.*fd|Can't find .* inherit/i, "restore with pipes as stdio, as the container had at the checkpoint"],
  [
    /Unable to mount cgroup2 .*Operation not permitted/,
    "in a user namespace cgroup v2 can be mounted only with a cgroup namespace: give config.json one",
  ],
  [/iptables|ip6tables|nft/, "the container's network is locked with iptables: is it installed?"],
  [/cgroup|cg: /i, "the cgroups differ from those of the checkpoint: --manage-cgroups-mode ignore"],
  [/cpu: |CPU (instruction|feature|capab)/i, "this processor lacks what the one of the checkpoint had"],
  [/vdso/i, "this CRIU is too old for the kernel"],
  [/apparmor|selinux|LSM|lsm/, "the security label cannot be restored: --lsm-profile, --lsm-mount-context"],
  [/seccomp/, "the seccomp filter cannot be dumped or restored by this CRIU and kernel"],
  [/io_uring|bpf|perf_event|anon_inode|pidfd|fanotify/i, "CRIU cannot dump this kind of descriptor"],
  [/: BUG at /, "a fault of CRIU itself: another version may not have it"],
  [
    /join-ns|Can't setns|Can't open ns file/,
    "a container with a user namespace cannot join a namespace of others: give it one of its own in config.json",
  ],
  [/Operation not permitted|Permission denied/, "checkpoint and restore need root with all capabilities"],
  [
    /Can't create a temporary directory: Read-only file system/,
    'CRIU needs a directory "tmp" in a root file system that is read-only: make one there',
  ],
  [/No space left/, "the file system of the images is full"],
];

const CONTEXT = 5;

/** Reads a log; undefined when there is no error in it. */
export function parseLog(text: string): Failure | undefined {
  const lines = text.split("\n");
  const errors = lines.flatMap((line, i) => /\bError \(/.test(line) ? [{ line, i }] : []);
  const told = errors.filter(({ line }) => !HARMLESS.some((pattern) => pattern.test(line)));
  const causes = told.filter(({ line }) => !GENERAL.test(line));
  const first = causes[0] ?? told[0];
  if (first === undefined) return undefined;
  const hints = causes.map(({ line }) => hintFor(line)).filter((hint) => hint !== undefined);
  return {
    error: message(first.line),
    hint: hints[0] ?? hintFor(lines.slice(0, first.i).at(-1) ?? ""),
    context: around(lines, told),
  };
}

/** "(00.142530) Error (criu/files-reg.c:1790): Can't ..." without the time, on one line. */
function message(line: string): string {
  return line.slice(line.indexOf("Error (")).replaceAll(/\s+/g, " ").trim();
}

/** What may help against an error of CRIU, if it is a known one. */
export function hintFor(line: string): string | undefined {
  return HINTS.find(([pattern]) => pattern.test(line))?.[1];
}

function around(lines: readonly string[], errors: readonly { readonly i: number }[]): string[] {
  const shown = new Set<number>();
  for (const { i } of errors) for (let line = Math.max(0, i - CONTEXT); line <= i; line++) shown.add(line);
  return [...shown].sort((a, b) => a - b).flatMap((line, at, all) => {
    const gap = at > 0 && all[at - 1] !== line - 1 ? ["..."] : [];
    return [...gap, `${line + 1}:${lines[line]}`];
  });
}
