/** The executable for the other architecture, under qemu-user: its launcher, and commands that make no container. */

import { assertEquals } from "@std/assert";

import { compile } from "../../scripts/compile.ts";
import { AARCH64_SYSROOT, provideDenoForAarch64 } from "../../scripts/provision/deno_aarch64.ts";
import { makeProbe, type Said } from "../unit/scripts/carrier/probe.ts";
import { exists, succeeded } from "./harness.ts";
import { execute } from "./support/command.ts";

const QEMU = "/usr/bin/qemu-aarch64";
const obstacle = !exists(QEMU)
  ? "it needs the package qemu-user"
  : !exists(`${AARCH64_SYSROOT}/lib/libgcc_s.so.1`)
  ? "it needs the packages libc6-arm64-cross and libgcc-s1-arm64-cross"
  : undefined;
const deno = obstacle === undefined ? provideDenoForAarch64() : undefined;
const reason = obstacle ?? (deno === undefined ? "npm cannot be reached" : undefined);

function aarch64Test(name: string, run: (deno: string, executable: string) => Promise<void>): void {
  Deno.test({
    name: reason === undefined ? name : `${name} (skipped: ${reason})`,
    ignore: reason !== undefined,
    fn: async () => {
      const directory = Deno.makeTempDirSync({ prefix: "runo-aarch64-" });
      try {
        await run(deno!, `${directory}/executable`);
      } finally {
        Deno.removeSync(directory, { recursive: true });
      }
    },
  });
}

/** Runs the executable under the emulator, with only these variables. @returns stdout */
async function emulated(executable: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const options = { clearEnv: true, env, before: "ulimit -S -n 321;" };
  return succeeded(await execute([QEMU, "-L", AARCH64_SYSROOT, executable, ...args], options));
}

aarch64Test(
  "makeCarrier() makes an executable for aarch64 that gets arguments, variables and limit",
  async (deno, executable) => {
    makeProbe(executable, deno);
    const said: Said = JSON.parse(
      await emulated(executable, ["-h", "", "--", "x"], {
        A: "b",
        DENO_V8_FLAGS: "--no-such",
        NODE_OPTIONS: "x",
        DENOTE: "c",
      }),
    );
    assertEquals(said.args, ["-h", "", "--", "x"]);
    const { PWD: _, ...variables } = said.variables;
    const added = {
      DENO_DIR: "/dev/null/deno",
      DENO_LOG: "off",
      DENO_NO_UPDATE_CHECK: "1",
      HOME: "/proc",
      RUNO_NOFILE_SOFT: "321",
    };
    assertEquals(variables, { ...added, A: "b", DENOTE: "c" });
  },
);

aarch64Test("compile() makes runo for aarch64", async (deno, executable) => {
  compile(executable, deno);
  assertEquals((await emulated(executable, ["--version"])).split("\n")[0]?.split(" ").slice(0, 2), ["runo", "version"]);
  Deno.mkdirSync(`${executable}.state`);
  assertEquals(await emulated(executable, ["--root", `${executable}.state`, "list", "--quiet"]), "");
});
