/** `exec`: runs another process in a container. */

import { runProcess } from "../core/host/exec_foreground.ts";
import type { ExecOptions } from "../core/host/options.ts";
import { listenFds } from "./caller.ts";
import { command, type Invocation } from "./command.ts";
import { PID_FLAGS, PRESERVE_FLAG, TERMINAL_FLAGS } from "./create_flags.ts";
import { processOf, subCgroups } from "./exec_process.ts";
import type { Flags } from "./flags.ts";
import { optionalPath } from "./paths.ts";

const FLAGS = {
  ...TERMINAL_FLAGS,
  cwd: { kind: "text", help: "working directory, in the container" },
  env: { kind: "list", short: "e", help: "set a variable of the environment, NAME=value" },
  tty: { kind: "bool", short: "t", help: "give the process a terminal" },
  user: { kind: "text", short: "u", help: "user id, and group id behind a colon", value: "uid[:gid]" },
  "additional-gids": { kind: "list", short: "g", help: "another group id", value: "gid" },
  process: { kind: "text", path: "file", short: "p", help: "file with the process in JSON, as in config.json" },
  detach: { kind: "bool", short: "d", help: "do not wait for the end of the process" },
  ...PID_FLAGS,
  "process-label": { kind: "text", help: "SELinux label of the process" },
  apparmor: { kind: "text", help: "AppArmor profile of the process" },
  "no-new-privs": { kind: "bool", help: "keep the process from gaining privileges by execve(2)" },
  cap: { kind: "list", short: "c", help: "give the process a capability", value: "CAP_NAME" },
  ...PRESERVE_FLAG,
  cgroup: {
    kind: "list",
    help: "cgroup below the container's to put the process in, of some controllers or of all",
    value: "[controller,...:]path",
  },
  "ignore-paused": { kind: "bool", help: "do it in a paused container too: the process runs when that is resumed" },
  "no-subreaper": { kind: "bool", help: "accepted, and without effect", hidden: true },
} as const satisfies Flags;

export const exec = command({
  name: "exec",
  summary: "execute another process in a container",
  usage: "<container-id> <command> [argument...]  || --process process.json <container-id>",
  description: `What the flags do not say is as in the container's config.json. Without --detach the command
passes signals on to the process and ends with its exit code; its own failures have exit code 255.`,
  flags: FLAGS,
  arity: { atLeast: 1 },
  argument: "container",
  verbatim: true,
  failure: { words: () => "exec failed", code: 255 },
  run: async (invocation) => await runProcess(await execOptions(invocation)),
});

async function execOptions({ flags, args, host }: Invocation<typeof FLAGS>): Promise<ExecOptions> {
  const [id = "", ...command] = args;
  const pidFile = optionalPath(flags["pid-file"]), pidfdSocket = optionalPath(flags["pidfd-socket"]);
  const cgroups = subCgroups(flags.cgroup);
  return {
    ...host,
    id,
    process: await processOf(host.root, id, command, flags),
    detach: flags.detach ?? false,
    consoleSocket: optionalPath(flags["console-socket"]),
    ...pidfdSocket === undefined ? {} : { pidfdSocket },
    ...pidFile === undefined ? {} : { pidFile },
    preserveFds: flags["preserve-fds"] ?? 0,
    listenFds: listenFds(),
    ignorePaused: flags["ignore-paused"] ?? false,
    ...cgroups === undefined ? {} : { subCgroups: cgroups },
  };
}
