import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkArity, command } from "../../../cli/command.ts";
import { allCommands, findCommand } from "../../../cli/commands.ts";
import { bashScript } from "../../../cli/completion/bash.ts";
import { fishScript } from "../../../cli/completion/fish.ts";
import { zshScript } from "../../../cli/completion/zsh.ts";
import { commandHelp, programHelp } from "../../../cli/help.ts";
import { RunoError } from "../../../core/error.ts";

const CALLER = { argv0: "/usr/bin/runc", program: "runc" };

const SAMPLE = command({
  name: "sample",
  summary: "do it",
  usage: "<container-id>",
  flags: {
    file: { kind: "text", short: "f", path: "file", help: "read it" },
    all: { kind: "bool", help: "all of them" },
    unspoken: { kind: "bool", help: "no more", hidden: true },
  },
  arity: { exactly: 1 },
  argument: "container",
  run: () => 0,
});

Deno.test("commandHelp() begins as runc's", () => {
  assertEquals(
    commandHelp(SAMPLE, CALLER),
    `NAME:
   runc sample - do it

USAGE:
   runc sample [command options] <container-id>

OPTIONS:
   --file value, -f value  read it
   --all                   all of them
`,
  );
});

Deno.test("programHelp() names every command", async () => {
  const help = await programHelp(CALLER);
  assert(help.startsWith("NAME:\n   runc - Open Container Initiative runtime\n"));
  for (const { name, summary } of await allCommands()) assert(help.includes(`   ${name.padEnd(12)}${summary}\n`), name);
});

Deno.test("checkArity() refuses with runc's words", () => {
  const refused = (arity: Parameters<typeof checkArity>[0]["arity"], count: number) =>
    assertThrows(() => checkArity({ ...SAMPLE, arity }, count, "/bin/runc"), RunoError).message;
  assertEquals(refused({ exactly: 1 }, 0), '/bin/runc: "sample" requires exactly 1 argument(s)');
  assertEquals(refused({ atLeast: 1 }, 0), '/bin/runc: "sample" requires a minimum of 1 argument(s)');
  assertEquals(refused({ atLeast: 1, atMost: 2 }, 3), '/bin/runc: "sample" requires a maximum of 2 argument(s)');
  checkArity({ ...SAMPLE, arity: { atLeast: 1 } }, 9, "runc");
});

Deno.test("findCommand() knows no inherited names", async () => {
  assertEquals(await findCommand("toString"), undefined);
  assertEquals((await findCommand("state"))?.name, "state");
});

Deno.test("commands have help for every flag, and names that agree", async () => {
  for (const { name, summary, flags } of await allCommands()) {
    assertEquals((await findCommand(name))?.name, name);
    assert(/^[a-z]/.test(summary) && !summary.endsWith("."), `${name}: ${summary}`);
    const shorts = Object.values(flags).flatMap(({ short }) => short ?? []);
    assertEquals(new Set(shorts).size, shorts.length, `${name}: short flags`);
    for (const [flag, { help }] of Object.entries(flags)) {
      assert(help !== "" && !help.endsWith("."), `${name} --${flag}`);
    }
  }
});

Deno.test("completion scripts offer commands, flags and what follows them", () => {
  for (const script of [bashScript, zshScript, fishScript]) {
    const text = script("runc", [SAMPLE]);
    for (const word of ["sample", "runc", "list --quiet"]) assert(text.includes(word), word);
    assert(text.includes("--file") || text.includes("-l file -s f"), text);
    assert(!text.includes("unspoken"));
  }
});
