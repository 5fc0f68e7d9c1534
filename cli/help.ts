/** Help: of the program and of each command, made from the tables that are parsed by. */

import type { Caller } from "./caller.ts";
import type { Command } from "./command.ts";
import { allCommands } from "./commands.ts";
import { type Flags, spellings } from "./flags.ts";
import { GLOBAL_FLAGS } from "./globals.ts";
import { versionText } from "./version.ts";

const SUMMARY = "Open Container Initiative runtime";

const DESCRIPTION = `A container is run from a bundle: a directory with a file "config.json", which says what
to run and how, and the root file system to run it in.

    # ROOT run -b BUNDLE ID

ID is a name for the container; it must be unique below --root.`;

const HELP_FLAG: Flags = { help: { kind: "bool", short: "h", help: "show help" } };

/** Help of the program. */
export async function programHelp({ program }: Caller): Promise<string> {
  const rows = (await allCommands()).map(({ name, summary }): [string, string] => [name, summary]);
  return `NAME:
   ${program} - ${SUMMARY}

${DESCRIPTION.replace("ROOT", program)}

USAGE:
   ${program} [global options] command [command options] [arguments...]

VERSION:
   ${versionText(program).split(" version ")[1]}
COMMANDS:
${table([...rows, ["help, h", "show the commands, or help for one of them"]])}

GLOBAL OPTIONS:
${table(flagRows({ ...GLOBAL_FLAGS, ...HELP_FLAG }))}
`;
}

/** Help of a command. */
export function commandHelp({ name, summary, usage, description, flags }: Command, { program }: Caller): string {
  const options = flagRows(flags);
  const call = [program, name, ...options.length > 0 ? ["[command options]"] : [], ...usage ? [usage] : []].join(" ");
  return `NAME:
   ${program} ${name} - ${summary}

USAGE:
   ${call}
${description === undefined ? "" : `\nDESCRIPTION:\n${description.replaceAll(/^(?=.)/gm, "   ")}\n`}${
    options.length > 0 ? `\nOPTIONS:\n${table(options)}\n` : ""
  }`;
}

function flagRows(flags: Flags): [string, string][] {
  return Object.entries(flags).filter(([, { hidden }]) => hidden !== true).map(([name, flag]) => [
    spellings(name, flag).map((each) => flag.kind === "bool" ? each : `${each} ${flag.value ?? "value"}`).join(", "),
    flag.help,
  ]);
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `   ${left.padEnd(width)}  ${right}`).join("\n");
}
