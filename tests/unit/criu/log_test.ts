import { assertEquals, assertStringIncludes } from "@std/assert";

import { hintFor, parseLog } from "../../../criu/log.ts";

/** A log as CRIU 4.2 writes it, cut down. */
const LOG = `(00.031567) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.142475) 10210 fdinfo 0: pos:                0 flags:           100002/0
(00.142524) 10210 fdinfo 1: pos:             0x18 flags:           100001/0
(00.142530) Error (criu/files-reg.c:1790): Can't lookup mount=27 for fd=1 path=/tmp/out
(00.142535) ----------------------------------------
(00.142540) Error (criu/cr-dump.c:1545): Dump files (pid: 10210) failed with -1
(00.219260) Error (criu/cr-dump.c:1975): Dumping FAILED.
`;

Deno.test("parseLog() finds the first error that matters, and what helps", () => {
  const failure = parseLog(LOG);
  assertEquals(failure?.error, "Error (criu/files-reg.c:1790): Can't lookup mount=27 for fd=1 path=/tmp/out");
  assertStringIncludes(failure?.hint ?? "", "pipes, a terminal or /dev/null");
});

Deno.test("parseLog() quotes the lines before errors with their numbers", () => {
  const { context = [] } = parseLog(LOG) ?? {};
  assertEquals(context.map((line) => Number(line.split(":")[0])), [1, 2, 3, 4, 5, 6, 7]);
  const far = `Error (criu/a.c:1): one\n${"x\n".repeat(20)}Error (criu/b.c:2): two\n`;
  assertEquals(parseLog(far)?.context, [
    "1:Error (criu/a.c:1): one",
    "...",
    ...[17, 18, 19, 20, 21].map((n) => `${n}:x`),
    "22:Error (criu/b.c:2): two",
  ]);
});

Deno.test("parseLog() takes the last words when there are no better ones", () => {
  assertEquals(
    parseLog("(00.2) Error (criu/cr-dump.c:1975): Dumping FAILED.")?.error.endsWith("Dumping FAILED."),
    true,
  );
  assertEquals(parseLog("(00.2) Warn  (criu/x.c:1): fine\n"), undefined);
});

const KNOWN: readonly (readonly [string, string])[] = [
  [
    "Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.",
    "--tcp-established",
  ],
  ["Error (criu/sk-unix.c:722): unix: External socket is used. Consider using --ext-unix-sk option.", "--ext-unix-sk"],
  [
    "Error (criu/file-lock.c:110): Some file locks are hold by dumping tasks! You can try --file-locks to dump them.",
    "--file-locks",
  ],
  [
    "Error (criu/files-reg.c:1790): Can't lookup mount=29 for fd=0 path=/dev/pts/0",
    "on a terminal outside of the container: --shell-job",
  ],
  ["Error (criu/mount.c:3953): mnt: BUG at criu/mount.c:3953", "another version"],
  ["Error (criu/cr-dump.c:2): A session leader of 12(3) is outside of its pid namespace", "--shell-job"],
  ["Error (criu/files-reg.c:1122): Can't create link remap for /x. Use link-remap option.", "--link-remap"],
  ["Error (criu/files-reg.c:9): Can't dump ghost file /x of 2097152 size, increase limit", "ghost-limit"],
  [
    "Error (criu/mount.c:1092): mnt: Mount 9 /x (master_id: 1 shared_id: 2) has unreachable sharing. Try --enable-external-masters.",
    "enable-external-masters",
  ],
  ["Error (criu/files-reg.c:2): File bin/busybox has bad size 1 (expect 2)", "same root file system"],
  ["Error (criu/files-reg.c:2): Can't open file bin/x on restore: No such file or directory", "missing"],
  ["Error (criu/page-xfer.c:1): page-xfer: Can't connect to server: Connection refused", "page server"],
  ["Error (criu/sk-inet.c:9): inet: Can't bind inet socket (id 3): Address already in use", "listens"],
  [
    "Error (criu/cr-dump.c:1): Tracking memory is not available. Consider omitting --track-mem option.",
    "CONFIG_MEM_SOFT_DIRTY",
  ],
  [
    "Error (criu/mount.c:2217): mnt: Unable to mount cgroup2 /tmp/.criu.mntns.x/mnt-52 (id=52): Operation not permitted",
    "with a cgroup namespace",
  ],
  [
    "Error (criu/namespaces.c:1693): Failed to setns when join-ns ipc:/run/x: Operation not permitted",
    "one of its own in config.json",
  ],
  ["Error (criu/mount.c:2955): mnt: Can't create a temporary directory: Read-only file system", 'a directory "tmp"'],
  ["Error (criu/uffd.c:1): uffd: Failed to get uffd API: Operation not permitted", "--lazy-pages"],
];

Deno.test("hintFor() knows the errors that users meet", () => {
  for (const [line, words] of KNOWN) assertStringIncludes(hintFor(line) ?? "", words, line);
  assertEquals(hintFor("Error (criu/x.c:1): something else"), undefined);
});
