/** CRIU's configuration files: that of all containers, /etc/criu/runc.conf, and that of the annotation. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, type Result, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import {
  assertCounted,
  CONNECTED,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  runo,
} from "./support/criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

/** A machine with that file, to the commands that are run through it: a copy of /etc, in a mount namespace. */
class Machine {
  readonly #box: Sandbox;
  readonly #file: string;

  constructor(box: Sandbox, text: string) {
    this.#box = box;
    const { success } = new Deno.Command("cp", { args: ["-a", "/etc", `${box.dir}/etc`] }).outputSync();
    assert(success, "a copy of /etc");
    Deno.mkdirSync(`${box.dir}/etc/criu`, { recursive: true });
    this.#file = `${box.dir}/etc/criu/runc.conf`;
    this.says(text);
  }

  says(text: string): void {
    Deno.writeTextFileSync(this.#file, text);
  }

  checkpoint(...args: readonly string[]): Promise<Result> {
    const { dir, id } = this.#box;
    const [program, ...globals] = runo(this.#box);
    const words = [program!, ...globals, "checkpoint", "--image-path", imagesOf(this.#box), ...args, id];
    return this.#box.command(words, { mounts: `mount --bind ${dir}/etc /etc` });
  }

  restore(...args: readonly string[]): Promise<Result> {
    const { dir, bundle, id } = this.#box;
    const script = `mount --bind ${dir}/etc /etc; exec "$0" "$@"`;
    const program = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, ...runo(this.#box)];
    return piped(this.#box, ["restore", "-d", "-b", bundle, "--image-path", imagesOf(this.#box), ...args, id], program);
  }
}

/** The logs in a directory that is made for them, and removed. */
async function logsOf(box: Sandbox, command: (...args: readonly string[]) => Promise<Result>): Promise<string[]> {
  const work = `${box.dir}/w`;
  Deno.mkdirSync(work);
  assertEquals(await command("--work-path", work), WELL);
  const logs = [...Deno.readDirSync(work)].map(({ name }) => name).filter((name) => name.endsWith(".log"));
  Deno.removeSync(work, { recursive: true });
  return logs;
}

criuTest("/etc/criu/runc.conf counts for containers without the annotation", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  const machine = new Machine(box, "log-file=X.log\n"), own = `${box.dir}/own.conf`;
  Deno.writeTextFileSync(own, "log-file=Y.log\n");
  const table = [[undefined, "X.log", "X.log"], ["", "dump.log", "restore.log"], [own, "Y.log", "Y.log"]] as const;
  for (const [annotation, dumped, restored] of table) {
    box.configure(annotation === undefined ? {} : { annotations: { "org.criu.config": annotation } });
    await counting(box);
    assertEquals(await logsOf(box, (...args) => machine.checkpoint(...args)), [dumped]);
    assertEquals(await logsOf(box, (...args) => machine.restore(...args)), [restored]);
    await printsMore(box, 2);
    assertCounted(box);
    await box.ok("delete", "--force", box.id);
    Deno.removeSync(`${box.dir}/piped-out`);
  }
});

criuTest(
  "checkpoint() goes by the annotation that the container was made with, restore() by the bundle's",
  async () => {
    await using box = sandbox({ "process.args": COUNTING });
    const machine = new Machine(box, "log-file=X.log\n"), own = `${box.dir}/own.conf`;
    Deno.writeTextFileSync(own, "log-file=Y.log\n");
    const annotations = { "org.criu.config": own };
    box.configure({ annotations });
    await counting(box);
    box.configure({});
    assertEquals(await logsOf(box, (...args) => machine.checkpoint(...args)), ["Y.log"]);
    assertEquals(await logsOf(box, (...args) => machine.restore(...args)), ["X.log"]);
    box.configure({ annotations });
    assertEquals(await logsOf(box, (...args) => machine.checkpoint(...args)), ["X.log"]);
    assertEquals(await logsOf(box, (...args) => machine.restore(...args)), ["Y.log"]);
  },
);

criuTest("/etc/criu/runc.conf allows what no flag did", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", CONNECTED] });
  const machine = new Machine(box, "log-file=X.log\n");
  succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
  const echo = `${box.rootfs}/tmp/echo`;
  await until(() => exists(echo) && Deno.readTextFileSync(echo) !== "", "the connection");
  const message = failed(await machine.checkpoint());
  assertStringIncludes(message, "Connected TCP socket");
  assertStringIncludes(message, `log: ${imagesOf(box)}/X.log`);
  machine.says("tcp-established\n");
  assertEquals(await machine.checkpoint(), WELL);
  assertEquals(await machine.restore(), WELL);
  assertStringIncludes(await box.ok("exec", box.id, "netstat", "-tn"), "ESTABLISHED");
});
