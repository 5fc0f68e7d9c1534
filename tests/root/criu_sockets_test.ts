/** Sockets and network devices over a checkpoint. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, namespaces, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import { execute, start } from "./support/command.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  criuTest,
  piped,
  printsMore,
  restore,
  runo,
} from "./support/criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };
const PERL = !exists("/usr/bin/perl") && "it needs perl";

/** Words of perl that print a number each time, and what else is to be done then. */
function countingAnd(then: string): string {
  return `$| = 1; for (my $i = 1;; $i++) { print "$i\\n"; ${then} select(undef, undef, undef, 0.05); }`;
}

/** A config with the programs and libraries of the host, for a script of perl. */
function perl(box: Sandbox, script: string): Record<string, unknown> {
  for (const name of ["lib", "lib64"]) Deno.symlinkSync(`usr/${name}`, `${box.rootfs}/${name}`);
  box.file("script", script);
  return {
    "process.args": ["/usr/bin/perl", "/script"],
    "mounts.7": { destination: "/usr", source: "/usr", type: "bind", options: ["rbind", "ro"] },
  };
}

criuTest("checkpoint() and restore() --ext-unix-sk keep a socket that leads out of the container", async () => {
  await using box = sandbox();
  const outside = `${box.dir}/outside`, socket = `${outside}/socket`;
  Deno.mkdirSync(outside);
  const listening = `$| = 1; socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un("${socket}")) or die;
    while (1) { recv(S, my $m, 100, 0); print "$m\\n" }`;
  const listener = start(["perl", "-MSocket", "-e", listening]);
  try {
    await until(() => exists(socket), "the socket");
    const sending = `use Socket; socket(S, PF_UNIX, SOCK_DGRAM, 0); connect(S, pack_sockaddr_un("${socket}")) or die;
      ${countingAnd("send(S, $i, 0);")}`;
    box.configure({
      ...perl(box, sending),
      // CRIU looks for the other end in the container's network namespace
      "linux.namespaces": namespaces("pid", "ipc", "uts", "mount"),
      // and goes by the name that the other end gave itself
      "mounts.8": { destination: outside, source: outside, type: "bind", options: ["rbind"] },
    });
    await counting(box);
    assertStringIncludes(failed(await checkpoint(box)), "a UNIX socket leads out of the container: --ext-unix-sk");
    assertEquals(await checkpoint(box, "--ext-unix-sk"), WELL);
    const received = listener.stdout().length;
    assertEquals(await restore(box, "--ext-unix-sk"), WELL);
    await printsMore(box, 2);
    await until(() => listener.stdout().length > received, "what is sent after the restore");
    assertCounted(box);
  } finally {
    Deno.kill(listener.pid, "SIGKILL");
    await listener.result;
  }
}, PERL);

criuTest("checkpoint() --tcp-skip-in-flight leaves out a connection that nobody has accepted", async () => {
  await using box = sandbox();
  const script = `use Socket; socket(L, PF_INET, SOCK_STREAM, 0); bind(L, sockaddr_in(7000, INADDR_LOOPBACK)) or die;
    listen(L, 5); socket(C, PF_INET, SOCK_STREAM, 0); connect(C, sockaddr_in(7000, INADDR_LOOPBACK)) or die;
    ${countingAnd("")}`;
  box.configure(perl(box, script));
  await counting(box);
  const message = failed(await checkpoint(box, "--tcp-established"));
  assertStringIncludes(message, "a TCP connection is being accepted: --tcp-skip-in-flight");
  assertEquals(await checkpoint(box, "--tcp-established", "--tcp-skip-in-flight"), WELL);
  assertEquals(await restore(box, "--tcp-established"), WELL);
  await printsMore(box, 2);
  assertCounted(box);
}, PERL);

criuTest("checkpoint() and restore() leave the network devices of the config in their namespace", async () => {
  await using box = sandbox();
  using host = new NetworkNamespace(`${box.dir}/host`), pod = new NetworkNamespace(`${box.dir}/pod`);
  const ip = async (words: string) => succeeded(await execute([...host.enter, "ip", ...words.split(" ")]));
  await ip("link add net0 mtu 1789 type veth peer name peer0");
  await ip("addr add 10.9.8.7/24 dev net0");
  box.configure({
    "process.args": COUNTING,
    "linux.namespaces": [...namespaces("pid", "ipc", "uts", "mount"), { type: "network", path: pod.path }],
    "linux.netDevices": { net0: { name: "inside" } },
  });
  const run = ["run", "--detach", "--bundle", box.bundle, box.id];
  assertEquals(await piped(box, run, [...host.enter, ...runo(box)]), WELL);
  await printsMore(box, 2);
  for (let round = 0; round < 2; round++) {
    assertEquals(await checkpoint(box), WELL);
    assertEquals(await restore(box), WELL);
    const shown = await box.ok("exec", box.id, "ip", "addr", "show", "dev", "inside");
    for (const words of ["mtu 1789", "10.9.8.7/24", "UP"]) assertStringIncludes(shown, words);
    await printsMore(box, 2);
  }
  assertCounted(box);
  await box.ok("delete", "--force", box.id);
});

/** A network namespace at a path. */
class NetworkNamespace implements Disposable {
  readonly path: string;
  /** Goes before a command that is to be in it. */
  readonly enter: readonly string[];

  constructor(path: string) {
    Deno.writeTextFileSync(path, "");
    assert(new Deno.Command("unshare", { args: [`--net=${path}`, "true"] }).outputSync().success, path);
    this.path = path;
    this.enter = ["nsenter", `--net=${path}`];
  }

  [Symbol.dispose](): void {
    assert(new Deno.Command("umount", { args: [this.path] }).outputSync().success, this.path);
  }
}
