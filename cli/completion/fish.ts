/** Completion for fish(1). */

import type { Command } from "../command.ts";
import type { Flag, Flags } from "../flags.ts";
import { GLOBAL_FLAGS } from "../globals.ts";

/** The script: one line for each thing that can be completed. */
export function fishScript(program: string, commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name);
  const lines = [
    `complete -c ${program} -f`,
    ...flagLines(program, "__fish_use_subcommand", GLOBAL_FLAGS),
    ...commands.map(({ name, summary }) =>
      `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`
    ),
    `complete -c ${program} -n __fish_use_subcommand -a help -d ${quote("show help")}`,
    `complete -c ${program} -n '__fish_seen_subcommand_from help' -a ${quote(names.join(" "))}`,
    ...commands.flatMap((command) => commandLines(program, command)),
  ];
  return `# fish completion for ${program}

function __${program}_containers
    set -l words (commandline -opc)
    set -l at (contains -i -- --root $words)
    and set -l root --root $words[(math $at + 1)]
    ${program} $root list --quiet 2>/dev/null
end

${lines.join("\n")}
`;
}

function commandLines(program: string, { name, flags, argument }: Command): string[] {
  const condition = `__fish_seen_subcommand_from ${name}`;
  const offered = argument === "container" ? `(__${program}_containers)` : argument?.join(" ");
  return [
    ...flagLines(program, condition, flags),
    ...offered === undefined ? [] : [`complete -c ${program} -n ${quote(condition)} -a ${quote(offered)}`],
  ];
}

function flagLines(program: string, condition: string, flags: Flags): string[] {
  return Object.entries(flags).filter(([, { hidden }]) => hidden !== true).map(([name, flag]) => {
    const short = flag.short === undefined ? "" : ` -s ${flag.short}`;
    return `complete -c ${program} -n ${quote(condition)} -l ${name}${short}${value(flag)} -d ${quote(flag.help)}`;
  });
}

/** -x: a value follows, no file; -r -F: a file. */
function value({ kind, choices, path }: Flag): string {
  if (kind === "bool") return "";
  if (choices !== undefined) return ` -x -a ${quote(choices.join(" "))}`;
  return path === undefined ? " -x" : " -r -F";
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
