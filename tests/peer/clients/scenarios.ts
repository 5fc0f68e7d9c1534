/** What people do with podman and docker. Each scenario returns what it saw: with runo it must be what it is with runc. */

import type { Engine } from "./engine.ts";
import { seen } from "./engine.ts";

/** Seen with one runtime; compared with the other. */
export type Scenario = (engine: Engine) => Promise<unknown>;

const FOREVER = ["sh", "-c", "trap 'exit 5' TERM; : > /tmp/trapped; while :; do sleep 0.1; done"];

/** By what they show. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "run prints": (e) => e.once([], ["echo", "hello"]),
  "run returns the exit code": (e) => e.once([], ["sh", "-c", "exit 7"]),
  "run returns 137 for a kill": (e) => e.once([], ["sh", "-c", "kill -9 $$"]),
  "run of a missing command is 127": (e) => e.once([], ["/no/such/command"]),
  "run of a command that PATH has not is 127": (e) => e.once([], ["no-such-command"]),
  "run of a file without x is 126": (e) => e.once([], ["/bin/not-executable"]),
  "run of a directory is refused": (e) => e.once([], ["/tmp"]),
  "run passes stdin": (e) => e.once(["-i"], ["cat"], { stdin: "over the wire\n".repeat(1000) }),
  "run writes stderr apart": async (e) => {
    const { code, stdout, stderr } = await e.run(["--rm"], ["sh", "-c", "echo out; echo err >&2"]);
    return { code, stdout, stderr };
  },
  "run with a terminal": (e) => e.onceOnTerminal([], ["sh", "-c", "test -t 0 && test -t 1 && echo tty"]),
  "run with environment, directory, user and host name": (e) =>
    e.once(["-e", "A=b=c", "-w", "/tmp", "-u", "1000:1000", "-h", "box"], [
      "sh",
      "-c",
      "echo $A; pwd; id; hostname; echo $HOME",
    ]),
  "run with more groups": (e) => e.once(["-u", "1000:1000", "--group-add", "55"], ["id"]),
  "run read-only": (e) => e.once(["--read-only"], ["sh", "-c", "touch /x 2>/dev/null; echo $?"]),
  "run with a memory limit": (e) => e.once(["-m", "64m"], ["cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]),
  "run with cpu limits": (e) =>
    e.once(["--cpu-shares", "512", "--cpu-quota", "50000"], [
      "sh",
      "-c",
      "cd /sys/fs/cgroup/cpu; cat cpu.shares cpu.cfs_quota_us cpu.cfs_period_us",
    ]),
  "run with a pids limit": (e) => e.once(["--pids-limit", "17"], ["cat", "/sys/fs/cgroup/pids/pids.max"]),
  "run with ulimits": (e) => e.once(["--ulimit", "core=0:0"], ["sh", "-c", "ulimit -c"]),
  "run with fewer capabilities": (e) =>
    e.once(["--cap-drop", "all", "--cap-add", "chown"], ["grep", "Cap", "/proc/self/status"]),
  "run with the default capabilities": (e) => e.once([], ["grep", "Cap", "/proc/self/status"]),
  "run without new privileges": (e) =>
    e.once(["--security-opt", "no-new-privileges"], ["grep", "-E", "NoNewPrivs|Seccomp:", "/proc/self/status"]),
  "run with the default seccomp profile": (e) => e.once([], ["grep", "Seccomp", "/proc/self/status"]),
  "run without seccomp": (e) =>
    e.once(["--security-opt", "seccomp=unconfined"], ["grep", "Seccomp:", "/proc/self/status"]),
  // docker asks for all capabilities, which the machine may not have
  "run privileged": (e) =>
    e.once(["--privileged"], ["sh", "-c", "grep CapEff /proc/self/status; test -w /proc/sys && echo writable"])
      .catch(() => "refused"),
  "run with volumes": withVolumes,
  "run with a tmpfs": (e) =>
    e.once(["--tmpfs", "/scratch:size=1m,mode=700"], [
      "sh",
      "-c",
      "grep ' /scratch ' /proc/mounts; stat -c %a /scratch",
    ]),
  "run with a device": (e) =>
    e.once(["--device", "/dev/zero:/dev/nothing"], ["sh", "-c", "head -c 4 /dev/nothing | wc -c"]),
  "run with a sysctl": (e) =>
    e.once(["--sysctl", "net.ipv4.ip_unprivileged_port_start=99"], [
      "cat",
      "/proc/sys/net/ipv4/ip_unprivileged_port_start",
    ]),
  "run with shm size": (e) =>
    e.once(["--shm-size", "1m"], ["sh", "-c", "grep /dev/shm /proc/mounts | cut -d' ' -f1-3"]),
  "run with an oom score": (e) => e.once(["--oom-score-adj", "77"], ["cat", "/proc/self/oom_score_adj"]),
  "run in the host's uts namespace": (e) =>
    e.once(["--uts", "host"], ["sh", "-c", "test $(readlink /proc/self/ns/uts) && hostname"]),
  "run shows masked and read-only paths": (e) =>
    e.once([], ["sh", "-c", "wc -c /proc/kcore; ls /sys/firmware; touch /proc/sys/kernel/x 2>&1; echo $?"]),
  "run has the usual devices": (e) =>
    e.once([], ["sh", "-c", "cd /dev; ls -l null zero full random urandom tty | cut -c1-10; ls /dev"]),
  "run has the usual mounts": (e) => e.once([], ["sh", "-c", "cut -d' ' -f2-3 /proc/mounts | sort"]),
  "logs": async (e) => {
    const name = await e.detached([], ["sh", "-c", "seq 1 1000; echo done >&2"]);
    await e.must(["wait", name]);
    const { code, stdout, stderr } = await e.call(["logs", name]);
    return { code, stdout, stderr };
  },
  "wait": async (e) => await e.must(["wait", await e.detached([], ["sh", "-c", "sleep 0.2; exit 3"])]),
  "exec": async (e) => {
    const name = await e.detached([], FOREVER);
    return [
      await e.exec(name, "echo inside; cat /proc/1/comm"),
      await e.exec(name, "exit 9"),
      await e.exec(name, "id; pwd; echo $X", ["-u", "1000", "-w", "/tmp", "-e", "X=y"]),
      seen(await e.call(["exec", name, "/no/such"])),
      seen(await e.call(["exec", name, "/bin/not-executable"])),
      seen(await e.call(["exec", "-i", name, "cat"], { stdin: "into exec\n" })),
      await e.exec(name, "grep -E 'Cap|Seccomp:|NoNew' /proc/self/status"),
      await e.exec(name, "cut -d/ -f1 /proc/self/cgroup; readlink /proc/self/ns/pid | cut -d: -f1"),
    ];
  },
  "exec privileged": async (e) => {
    const name = await e.detached([], FOREVER);
    const result = await e.exec(name, "grep CapEff /proc/self/status", ["--privileged"]);
    return result.code === 0
      ? result
      : { code: result.code, refused: result.stdout.includes("operation not permitted") };
  },
  "exec detached": async (e) => {
    const name = await e.detached([], FOREVER);
    await e.must(["exec", "-d", name, "sh", "-c", "echo here > /tmp/made"]);
    return await e.exec(
      name,
      "for i in $(seq 300); do test -s /tmp/made && break; sleep 0.1; done; cat /tmp/made",
    );
  },
  "exec as health checks do, twenty times": async (e) => {
    const name = await e.detached([], FOREVER);
    const all = [];
    for (let n = 0; n < 20; n++) all.push(await e.exec(name, `echo ${n}; exit ${n % 3}`));
    return all;
  },
  "stop": async (e) => {
    const name = await e.detached([], FOREVER);
    await e.exec(name, "until test -e /tmp/trapped; do sleep 0.02; done");
    await e.must(["stop", "-t", "30", name]);
    return await e.inspect(name, "{{.State.Status}} {{.State.ExitCode}}");
  },
  "kill": async (e) => {
    const name = await e.detached([], FOREVER);
    await e.must(["kill", name]);
    await e.must(["wait", name]);
    return await e.inspect(name, "{{.State.Status}} {{.State.ExitCode}}");
  },
  "pause and unpause": async (e) => {
    const name = await e.detached([], FOREVER);
    await e.must(["pause", name]);
    const paused = await e.inspect(name, "{{.State.Status}}");
    const refused = (await e.exec(name, "true")).code !== 0;
    await e.must(["unpause", name]);
    return { paused, refused, after: await e.inspect(name, "{{.State.Status}}"), exec: await e.exec(name, "echo on") };
  },
  "restart": async (e) => {
    const name = await e.detached([], ["sh", "-c", "echo begun; trap 'exit 0' TERM; while :; do sleep 0.1; done"]);
    await e.must(["restart", "-t", "5", name]);
    const status = await e.inspect(name, "{{.State.Status}}");
    await e.must(["stop", "-t", "5", name]);
    return { status, logs: await e.must(["logs", name]) };
  },
  "update": async (e) => {
    const name = await e.detached(["-m", "64m"], FOREVER);
    await e.must(["update", "-m", "128m", "--memory-swap", "-1", name]);
    return await e.exec(name, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes");
  },
  "top": async (e) => {
    const name = await e.detached([], FOREVER);
    return (await e.must(["top", name])).includes("trap 'exit 5' TERM");
  },
  "stats": async (e) => {
    const name = await e.detached(["-m", "64m"], FOREVER);
    const { code, stdout } = await e.call(["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", name]);
    return { code, pids: /\d+$/.test(stdout.trim()) };
  },
  "rm -f of a running container": async (e) => {
    const name = await e.detached([], FOREVER);
    const removed = (await e.call(["rm", "-f", name])).code;
    return { removed, gone: (await e.call(["inspect", name])).code !== 0 };
  },
  "share the namespaces of another container": async (e) => {
    const name = await e.detached(["--ipc", "shareable"], FOREVER);
    const own = await e.exec(name, "readlink /proc/1/ns/pid /proc/1/ns/ipc");
    const flags = ["--pid", `container:${name}`, "--ipc", `container:${name}`];
    const other = await e.once(flags, ["readlink", "/proc/1/ns/pid", "/proc/1/ns/ipc"]);
    return { same: own.stdout === other.stdout, code: other.code };
  },
  "create, then start": (e) => e.started(["echo", "late"]),
  "running out of memory": async (e) => {
    const name = await e.detached(["-m", "16m", "--memory-swap", "16m"], ["sh", "-c", "head -c 100m /dev/zero | tail"]);
    await e.must(["wait", name]);
    return await e.inspect(name, "{{.State.ExitCode}}");
  },
};

async function withVolumes(e: Engine): Promise<unknown> {
  const directory = await Deno.makeTempDir({ prefix: "runo-peer-" });
  try {
    await Deno.writeTextFile(`${directory}/file`, "shared\n");
    const script = "cat /v/file; touch /v/x 2>/dev/null; echo $?; echo new > /w/made; cat /f";
    const volumes = ["-v", `${directory}:/v:ro`, "-v", `${directory}:/w`, "-v", `${directory}/file:/f`];
    const result = await e.once(volumes, ["sh", "-c", script]);
    return { result, made: await Deno.readTextFile(`${directory}/made`) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
