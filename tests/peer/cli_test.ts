/** The command line beside runc's: outputs, exit codes and words are the same. */

import { assertEquals } from "@std/assert";
import { type Changes, exists, rootTest, RUNO, type Sandbox, sandbox } from "../root/harness.ts";
import { execute, type ExecuteOptions, type Result } from "../root/support/command.ts";
import { RUNC } from "./clients/compare.ts";

const NO_RUNC = !exists(RUNC) && "it needs the package runc";

/** A name that both have: it is a part of messages. */
const ARGV0 = "/opt/bin/runc";

/** Runs both, each with a sandbox of its own. */
interface Pair extends AsyncDisposable {
  readonly runc: Side;
  readonly runo: Side;
}

/** One of the two. */
class Side {
  readonly #program: string;
  readonly box: Sandbox;

  constructor(program: string, changes: Changes) {
    this.#program = program;
    this.box = sandbox(changes);
  }

  /** Runs it with its own root, in the bundle. */
  run(args: readonly string[], options: ExecuteOptions = {}): Promise<Result> {
    const words = [this.#program, "--root", this.box.root, ...args];
    return execute(words, { argv0: ARGV0, cwd: this.box.bundle, ...options });
  }
}

function pair(changes: Changes = {}): Pair {
  const both = { "ociVersion": "1.0.2", "process.args": ["sleep", "1000"], ...changes };
  const runc = new Side(RUNC, both), runo = new Side(RUNO, both);
  const dispose = async () => {
    for (const { box } of [runc, runo]) await box[Symbol.asyncDispose]();
  };
  return { runc, runo, [Symbol.asyncDispose]: dispose };
}

/** What is of the moment, or of the sandbox, made the same. */
function plain(text: string, { dir, id, cgroup }: Sandbox): string {
  return text.replaceAll(cgroup, "CGROUP").replaceAll(dir, "DIR").replaceAll(id, "ID")
    .replaceAll(/time="[^"]+"|"time":"[^"]+"/g, "TIME")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, "WHEN")
    .replaceAll(/"pid": ?[1-9]\d*/g, '"pid":PID')
    .replaceAll(/"ociVersion": ?"[^"]+"/g, "VERSION");
}

/** What of a result is compared. */
type View = (result: Result) => unknown;

/** Compares what a command prints and how it ends; "ID" in its words is the container. */
async function same({ runc, runo }: Pair, line: string | readonly string[], view: View = all): Promise<void> {
  const words = typeof line === "string" ? line.split(" ") : line;
  const seen = async (side: Side) => {
    const { code, stdout, stderr } = await side.run(words.map((word) => word === "ID" ? side.box.id : word));
    return view({ code, stdout: plain(stdout, side.box), stderr: plain(stderr, side.box) });
  };
  assertEquals(await seen(runo), await seen(runc), words.join(" "));
}

/** All but a hint at the end of an error, which runc has not. */
function all({ code, stdout, stderr }: Result): unknown {
  return { code, stdout, stderr: stderr.replace(/ \([^()]*\)("?)\n$/, "$1\n") };
}

/** Help differs behind its first line. */
function heading({ code, stdout, stderr }: Result): unknown {
  return { code, stdout: stdout.split("\n", 1), stderr };
}

/** Where only the sort of failure is the same. */
function codeOnly({ code, stdout }: Result): unknown {
  return { code, stdout };
}

rootTest("wrong command lines are answered as by runc", async () => {
  await using both = pair();
  const lines = [
    "bogus",
    "help bogus",
    "--bogus",
    "---",
    "state",
    "state a b",
    "state --bogus a",
    "state -- a b",
    "start",
    "kill",
    "kill a b c",
    "pause",
    "resume",
    "delete",
    "delete --force=x a",
    "ps",
    "exec",
    "exec --bogus a",
    "exec -e",
    "update",
    "events --interval x a",
    "events --interval",
    "list a",
    "list -f",
    "spec a",
    "run",
    "run -b",
    "run --detach=x a",
    "run --preserve-fds x a",
    "create",
    "create --preserve-fds",
    "features a",
    "checkpoint",
    "restore",
    "restore --lsm-mount-context",
    "--log-format x list",
  ];
  for (const line of lines) await same(both, line, heading);
}, NO_RUNC);

rootTest("help is asked for as with runc", async () => {
  await using both = pair();
  await same(both, [], heading);
  for (const line of ["--help", "-h", "help", "h", "state -h", "kill --help", "help kill", "exec -help"]) {
    await same(both, line, heading);
  }
}, NO_RUNC);

rootTest("a container that is not there is answered as by runc", async () => {
  await using both = pair();
  const lines = [
    "state x",
    "start x",
    "kill x",
    "kill x KILL",
    "kill -a x 9",
    "delete x",
    "delete --force x",
    "delete -f=false x",
    "pause x",
    "resume x",
    "ps x",
    "ps --format json x",
    "exec x true",
    "exec x",
    "exec -d -t x true",
    "exec --process /no/such/file x",
    "update x",
    "update --memory 1m x",
    "events x",
    "events --stats x",
    "events --interval 0s x",
    "checkpoint x",
  ];
  for (const line of lines) await same(both, line);
}, NO_RUNC);

/** What clients read of a log; runo says more in JSON. */
function records(path: string, format: string): unknown {
  const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
  if (format === "text") return lines.map((line) => line.replace(/time="[^"]+"/, "TIME"));
  return lines.map((line) => JSON.parse(line)).map(({ level, msg, time }) => [level, msg, typeof time]);
}

rootTest("the log has the records of runc's", async () => {
  await using both = pair();
  for (const line of ["state x", "state", "state --bogus x", "exec x true", "bogus", "delete x"]) {
    for (const format of ["text", "json"]) {
      const seen = async (side: Side) => {
        const path = `${side.box.dir}/${format} ${line}`;
        const { code, stderr } = await side.run(["--log", path, "--log-format", format, ...line.split(" ")]);
        return { code, stderr, records: records(path, format) };
      };
      assertEquals(await seen(both.runo), await seen(both.runc), `${format} ${line}`);
    }
  }
}, NO_RUNC);

rootTest("an error looks on a terminal as runc's", async () => {
  await using both = pair();
  const seen = async (program: string) => {
    const { stdout } = await execute(["script", "-qec", `${program} --root ${both.runc.box.dir} state x`, "/dev/null"]);
    return stdout;
  };
  assertEquals(await seen(RUNO), await seen(RUNC));
}, NO_RUNC);

rootTest("the life of a container is told as by runc", async () => {
  await using both = pair({ annotations: { "a.b": "c=d <e>" } });
  const { runc, runo } = both;
  for (const line of ["create ID", "state ID", "list --format json", "list -q", "delete other"]) await same(both, line);
  await same(both, "create ID");
  for (const line of ["exec ID echo x", "state ID", "start ID", "start ID", "state ID"]) await same(both, line);
  await same(both, "update --pids-limit 100 ID");
  await same(both, "update --memory x ID");
  await same(both, "update --cpu-period x ID", codeOnly);
  await same(both, "kill ID FOO");
  await same(both, "delete ID");
  for (const line of ["pause ID", "state ID", "exec ID true", "resume ID", "resume ID"]) await same(both, line);
  await same(both, "kill -a ID KILL");
  for (const { box } of [runc, runo]) await box.reaches("stopped");
  for (const line of ["state ID", "list -f json", "exec ID true", "kill ID 9", "pause ID", "start ID"]) {
    await same(both, line);
  }
  for (const line of ["ps -f json ID", "delete ID", "delete ID", "list"]) await same(both, line);
}, NO_RUNC);

rootTest("exec is answered as by runc", async () => {
  await using both = pair();
  await same(both, "run --detach ID");
  await same(both, ["exec", "ID", "sh", "-c", "exit 7"]);
  await same(both, ["exec", "ID", "sh", "-c", "kill -TERM $$"]);
  await same(both, ["exec", "--env", "A=1", "--env", "B=2", "ID", "sh", "-c", "echo $A$B; pwd; id"]);
  await same(both, ["exec", "--cwd", "/tmp", "--user", "1:2", "-g", "3", "ID", "sh", "-c", "pwd; id"]);
  await same(both, ["exec", "--cap", "CAP_SYS_TIME", "ID", "grep", "Cap", "/proc/self/status"]);
  await same(both, ["exec", "ID", "echo", "--tty", "-h", "--"]);
  for (const program of ["no-such-program", "/no/such/program", "/etc/passwd", "bin/no"]) {
    await same(both, ["exec", "ID", program]);
  }
  for (const line of ["exec ID", "exec --preserve-fds 9 ID true", "exec --user x ID true"]) {
    await same(both, line, codeOnly);
  }
}, NO_RUNC);

rootTest("run ends as with runc", async () => {
  await using both = pair();
  const cases: [Changes, string?][] = [
    [{ "process.args": ["sh", "-c", "echo out; echo err >&2; exit 3"] }],
    [{ "process.args": ["sh", "-c", "kill -KILL $$"], "hostname": undefined, "linux.namespaces": [{ type: "mount" }] }],
    [{ "process.args": ["no-such-program"] }],
    [{ "process.args": ["/no/such/program"] }],
    [{ "process.args": ["/etc/passwd"] }],
    [{ "process.terminal": true }, "--detach"],
    [{ "process.terminal": false }, "--console-socket=/no/such/socket"],
  ];
  for (const [changes, flag] of cases) {
    for (const { box } of [both.runc, both.runo]) box.configure(changes);
    await same(both, ["run", ...flag === undefined ? [] : [flag], "ID"]);
  }
}, NO_RUNC);

/** All keys of a JSON value, with those on the way. */
function keys(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [`${path}/${key}`, ...keys(inner, `${path}/${key}`)]);
}

rootTest("events has all that runc's have", async () => {
  await using both = pair();
  await same(both, "run -d ID");
  const seen = async (side: Side) => {
    const { stdout } = await side.run(["events", "--stats", side.box.id]);
    return keys(JSON.parse(stdout));
  };
  const ours = await seen(both.runo);
  assertEquals((await seen(both.runc)).filter((key) => !ours.includes(key)), []);
}, NO_RUNC);

rootTest("features has all that runc's have", async () => {
  await using both = pair();
  const seen = async (side: Side) => JSON.parse((await side.run(["features"])).stdout);
  const ours = await seen(both.runo), theirs = await seen(both.runc);
  const all = keys(ours);
  assertEquals(keys(theirs).filter((key) => !/\d+$/.test(key) && !all.includes(key)), []);
  for (const list of ["hooks", "mountOptions"]) {
    // access control lists are not the kernel's to switch any more
    const missing = theirs[list].filter((name: string) => !ours[list].includes(name) && !/^(no)?acl$/.test(name));
    assertEquals(missing, [], list);
  }
  for (const list of ["namespaces", "capabilities"]) {
    assertEquals(theirs.linux[list].filter((name: string) => !ours.linux[list].includes(name)), [], list);
  }
}, NO_RUNC);

rootTest("each works on the other's containers", async () => {
  await using both = pair();
  for (const [maker, other] of [[both.runc, both.runo], [both.runo, both.runc]] as const) {
    const { box } = maker;
    const work = (side: Side, ...args: string[]) => side.run(["--root", box.root, ...args]);
    const ends = async (...args: string[]) => {
      const { code, stdout, stderr } = await work(other, ...args);
      assertEquals({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
      return stdout;
    };
    assertEquals((await work(maker, "create", box.id)).code, 0);
    assertEquals(await ends("state", box.id), (await work(maker, "state", box.id)).stdout);
    await ends("start", box.id);
    assertEquals(await ends("exec", box.id, "echo", "x"), "x\n");
    await ends("update", "--pids-limit", "50", box.id);
    await ends("pause", box.id);
    await ends("resume", box.id);
    assertEquals(await ends("list"), (await work(maker, "list")).stdout);
    // but for the share of the processor, which falls while time passes
    const table = (text: string) => text.replace(/^(\S+ +\d+ +\d+) +\d+/gm, "$1");
    assertEquals(table(await ends("ps", box.id)), table((await work(maker, "ps", box.id)).stdout));
    await ends("delete", "--force", box.id);
    assertEquals(await ends("list", "-q"), "");
  }
}, NO_RUNC);

rootTest("spec writes what runc's writes, and refuses what it refuses", async () => {
  await using both = pair();
  for (const { box } of [both.runc, both.runo]) Deno.removeSync(`${box.bundle}/config.json`);
  for (const flags of [[], ["--rootless"]]) {
    await same(both, ["spec", ...flags]);
    await same(both, ["spec", ...flags]);
    const [theirs, ours] = [both.runc, both.runo].map(({ box }) => Deno.readTextFileSync(`${box.bundle}/config.json`));
    const expected = JSON.parse(theirs!), made = JSON.parse(ours!);
    // 1.3 is newer than the peer: more is masked, and no set of capabilities is inherited
    for (const spec of [expected, made]) {
      for (const key of ["ociVersion", "hostname"]) delete spec[key];
      delete spec.linux.maskedPaths;
      delete spec.process.capabilities.inheritable;
      delete spec.process.capabilities.ambient;
    }
    assertEquals(made, expected);
    assertEquals(ours!.split("\n").map((line) => /^\t*/.exec(line)![0].length)[1], 1);
    for (const { box } of [both.runc, both.runo]) Deno.removeSync(`${box.bundle}/config.json`);
  }
}, NO_RUNC);
