import { assertEquals, assertMatch } from "@std/assert";
import { makeFrozenProbe, makeProbe, type Said } from "./probe.ts";

const directory = Deno.makeTempDirSync({ prefix: "runo-carrier-" });
const probe = `${directory}/probe`, frozen = `${directory}/frozen`;
/** What both kinds of executables do. */
const KINDS = Deno.build.arch === "x86_64" ? { makeCarrier: probe, makeFrozen: frozen } : { makeCarrier: probe };

Deno.test.beforeAll(() => {
  makeProbe(probe, Deno.execPath());
  if (Deno.build.arch === "x86_64") makeFrozenProbe(frozen, Deno.execPath());
});
Deno.test.afterAll(() => Deno.removeSync(directory, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell script, with an executable as $0, in an environment that has nothing but what is given. */
function shell(script: string, env: Readonly<Record<string, string>> = {}, executable = probe): Ended {
  const { code, stdout, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", script, executable],
    ...{ clearEnv: true, env: { ...env }, cwd: directory },
  }).outputSync();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

function said(script: string, env?: Readonly<Record<string, string>>, executable = probe): Said {
  const { code, stdout, stderr } = shell(script, env, executable);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return JSON.parse(stdout);
}

for (const [name, executable] of Object.entries(KINDS)) {
  Deno.test(`${name}() hands over arguments that deno would understand`, () => {
    const args = ["-h", "--version", "--v8-flags=--help", "--", "run", "", "é"];
    assertEquals(said(`"$0" ${args.map((word) => `'${word}'`).join(" ")}`, {}, executable).args, args);
  });

  Deno.test(`${name}() lets the name it was called by be seen`, () => {
    assertEquals(said(`ln -sf "$0" runc; exec ./runc`, {}, executable).name, "./runc");
  });

  Deno.test(`${name}() passes descriptors on`, () => {
    assertEquals(said(`echo text > file; exec "$0" read 7 7< file`, {}, executable).descriptor, "text\n");
  });

  Deno.test(`${name}() records the soft limit of open files`, () => {
    assertEquals(said(`ulimit -S -n 300; exec "$0"`, {}, executable).variables["RUNO_NOFILE_SOFT"], "300");
  });

  Deno.test(`${name}() knows its pid`, () => assertEquals(said(`exec "$0"`, {}, executable).pid, true));

  Deno.test(`${name}() works in a directory that is gone`, () => {
    assertEquals(said(`mkdir gone; cd gone; rmdir ../gone; exec "$0"`, {}, executable).directory, "/");
    assertEquals(said(`exec "$0"`, {}, executable).directory, directory);
  });

  Deno.test(`${name}() takes many and long arguments and variables`, () => {
    const long = "x".repeat(100_000);
    const { args, variables } = said(`exec "$0" $(seq 20000) "$LONG"`, { LONG: long }, executable);
    assertEquals([args.length, args[19_999], args[20_000]], [20_001, "20000", long]);
    assertEquals(variables["LONG"], long);
  });

  Deno.test(`${name}() evaluates a lazy script once, when it is asked for`, () => {
    assertEquals(shell(`"$0" lazy`, {}, executable), { code: 0, stdout: "é0\n", stderr: "" });
  });

  Deno.test(`${name}() tells what goes wrong in one line`, () => {
    const line = (what: string) => ({ code: 1, stdout: "", stderr: `runo: internal error: ${what}\n` });
    assertEquals(shell(`"$0" throw`, {}, executable), line("Error: thrown"));
    assertEquals(shell(`"$0" late`, {}, executable), line("late"));
    const { code, stderr } = shell(`"$0" reject`, {}, executable);
    assertEquals({ code, stderr }, { code: 1, stderr: "runo: internal error: TypeError: rejected\n" });
  });
}

Deno.test("makeCarrier() works without any variable, and adds only what deno must know", () => {
  const { args, variables } = said(`exec env -i "$0"`);
  assertEquals(args, []);
  assertEquals(Object.keys(variables).sort(), [
    "DENO_DIR",
    "DENO_LOG",
    "DENO_NO_UPDATE_CHECK",
    "HOME",
    "RUNO_NOFILE_SOFT",
  ]);
});

Deno.test("makeCarrier() hides from deno what would change it, and keeps it for others", () => {
  const loud = {
    ...{
      DENO_V8_FLAGS: "--trace-gc",
      DENO_DIR: directory,
      DENO_LOG: "debug",
      RUST_LOG: "trace",
      RUST_BACKTRACE: "full",
    },
    ...{ NODE_OPTIONS: "--require=/nowhere", NODE_EXTRA_CA_CERTS: "/nowhere", NODE_DEBUG: "*" },
    ...{ OTEL_DENO: "true", OTEL_SERVICE_NAME: "x", NPM_CONFIG_REGISTRY: "x", RUNO_NOFILE_SOFT: "7" },
    // where deno would look for .npmrc, and fail
    ...{ HOME: "/dev/null" },
  };
  const quiet = { PATH: "/bin", TMPDIR: "/nowhere", DENOTE: "a", EMPTY: "" };
  const { variables, environ } = said(`exec "$0"`, { ...loud, ...quiet });
  const { DENO_DIR, DENO_LOG, DENO_NO_UPDATE_CHECK, HOME, RUNO_NOFILE_SOFT, PWD: _, ...others } = variables;
  assertEquals([DENO_DIR, DENO_LOG, DENO_NO_UPDATE_CHECK, HOME], ["/dev/null/deno", "off", "1", "/proc"]);
  assertMatch(RUNO_NOFILE_SOFT!, /^\d{2,}$/);
  assertEquals(others, quiet);
  const given = Object.entries({ ...loud, ...quiet }).map(([name, value]) => `${name}=${value}`).sort();
  assertEquals(environ.filter((entry) => !entry.startsWith("PWD=")).sort(), given);
});

const noMount = Deno.uid() === 0 ? undefined : "only root may make the file system";

Deno.test({
  name: `makeCarrier() gives deno a directory of its own with the code cache${noMount ? ` (skipped: ${noMount})` : ""}`,
  ignore: noMount !== undefined,
  fn: () => {
    const codeCache = new TextEncoder().encode("no data base");
    makeProbe(`${directory}/cached`, Deno.execPath(), { codeCache });
    const { variables, listed } = said(`exec ./cached list`);
    assertMatch(variables["DENO_DIR"]!, /^\/proc\/self\/fd\/\d+$/);
    assertEquals(listed?.includes("v8_code_cache_v2"), true);
    // without the right to mount, it starts all the same
    Deno.chmodSync(directory, 0o755);
    const powerless = said(`exec setpriv --reuid 65534 --regid 65534 --clear-groups ./cached`);
    assertEquals(powerless.variables["DENO_DIR"], "/dev/null/deno");
  },
});
