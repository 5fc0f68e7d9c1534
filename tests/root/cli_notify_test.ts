/** NOTIFY_SOCKET: the test is the service manager, and perl of the host says in the container that it is ready. */

import { assertEquals } from "@std/assert";
import { POLLIN } from "../../ffi/abi.ts";
import type { Fd } from "../../ffi/fd.ts";
import { bindDatagram, receive } from "../../ffi/socket.ts";
import { poll } from "../../ffi/spawn.ts";
import { exists, rootTest, type Sandbox, sandbox, until } from "./harness.ts";

const NO_PERL = !exists("/usr/bin/perl") && "it needs perl";

/** A program that notifies twice, and lives on for a moment. */
const PROGRAM = `use Socket;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
connect($s, sockaddr_un($ENV{NOTIFY_SOCKET})) or die;
syswrite $s, "STATUS=busy";
syswrite $s, "STATUS=done\\nREADY=1\\n";
sleep 1000 if $ARGV[0];`;

/** The container's mounts: the host's perl with its libraries. */
const MOUNTS = ["/usr", "/lib", "/lib64"].filter(exists).map((path) => ({
  destination: path,
  source: path,
  options: ["rbind", "ro"],
}));

/** A service manager that notes what it is told. */
class Manager implements Disposable {
  readonly path: string;
  readonly said: string[] = [];
  readonly #socket: Fd;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor({ dir }: Sandbox) {
    this.path = `${dir}/manager.sock`;
    this.#socket = bindDatagram(this.path);
    this.#timer = setInterval(() => this.#listen(), 5);
  }

  #listen(): void {
    while (poll([[this.#socket.number, POLLIN]], 0)[0] !== 0) {
      const { bytes, fd } = receive(this.#socket, 4096);
      this.said.push(new TextDecoder().decode(bytes));
      // that is the answer to a barrier
      fd?.[Symbol.dispose]();
    }
  }

  /** Waits for the last of the messages. */
  async told(): Promise<string[]> {
    await until(() => this.said.length === 3, "three messages");
    return this.said;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#socket[Symbol.dispose]();
  }
}

function program(stays: boolean): Record<string, unknown> {
  const own = ["/proc", "/dev"].map((destination) => ({
    destination,
    type: destination === "/proc" ? "proc" : "tmpfs",
    source: "none",
  }));
  return {
    "process.args": ["/usr/bin/perl", "-e", PROGRAM, ...stays ? ["stay"] : []],
    "mounts": [...own, ...MOUNTS],
  };
}

function expected(pid: number): string[] {
  return ["READY=1\n", `MAINPID=${pid}\n`, "BARRIER=1"];
}

rootTest("start() tells a service manager that the container is ready, and of its init", async () => {
  await using box = sandbox(program(true));
  using manager = new Manager(box);
  const env = { NOTIFY_SOCKET: manager.path };
  assertEquals((await box.runo(["create", "--bundle", box.bundle, box.id], { env })).code, 0);
  const pid = await box.pid();
  assertEquals((await box.runo(["start", box.id], { env })).code, 0);
  assertEquals(await manager.told(), expected(pid));
}, NO_PERL);

rootTest("run() in the foreground is the process that the service manager watches", async () => {
  await using box = sandbox(program(false));
  using manager = new Manager(box);
  const running = box.start(["run", "--bundle", box.bundle, box.id], { env: { NOTIFY_SOCKET: manager.path } });
  assertEquals(await manager.told(), expected(running.pid));
  assertEquals((await running.result).code, 0);
}, NO_PERL);

rootTest("run() detached stays until the container is ready", async () => {
  await using box = sandbox(program(true));
  using manager = new Manager(box);
  const how = { env: { NOTIFY_SOCKET: manager.path } };
  assertEquals((await box.runo(["run", "--detach", "--bundle", box.bundle, box.id], how)).code, 0);
  assertEquals(await manager.told(), expected(await box.pid()));
}, NO_PERL);

rootTest("start() does not wait for a container that ends without being ready", async () => {
  await using box = sandbox({ "process.args": ["test", "-S", "/run/notify/notify.sock"] });
  using manager = new Manager(box);
  const env = { NOTIFY_SOCKET: manager.path };
  const { code, stderr } = await box.run(undefined, { env });
  assertEquals({ code, stderr, said: manager.said }, { code: 0, stderr: "", said: [] });
});
