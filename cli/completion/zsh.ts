/** Completion for zsh(1). */

import type { Command } from "../command.ts";
import { type Flag, type Flags, spellings } from "../flags.ts";
import { GLOBAL_FLAGS } from "../globals.ts";

/** The script: a function for each command, in the language of _arguments. */
export function zshScript(program: string, commands: readonly Command[]): string {
  return `#compdef ${program}

_${program}_containers() {
    local -a ids
    ids=(\${(f)"$(${program} $globals list --quiet 2>/dev/null)"})
    compadd -a ids
}

_${program}_commands() {
    local -a commands
    commands=(
${
    [...commands.map(({ name, summary }) => `${name}:${summary}`), "help:show help"].map((line) =>
      `        ${quote(line)}`
    ).join("\n")
  }
    )
    _describe command commands
}

_${program}() {
    local curcontext=$curcontext state line
    local -a globals
    typeset -A opt_args
    _arguments -C ${flagSpecs(GLOBAL_FLAGS)} \\
        '1: :_${program}_commands' '*:: :->command' && return
    # the commands' own flags take the place of the global ones
    [[ -n \${opt_args[--root]} ]] && globals=(--root \${opt_args[--root]})
    case $words[1] in
${commands.map((command) => commandCase(program, command)).join("\n")}
        help) _arguments '1: :_${program}_commands' ;;
    esac
}

_${program} "$@"
`;
}

function commandCase(program: string, { name, flags, argument, verbatim }: Command): string {
  const first = argument === "container"
    ? [`'1:container:_${program}_containers'`]
    : argument === undefined
    ? []
    : [`'1: :(${argument.join(" ")})'`];
  const rest = verbatim ? ["'*::command:_normal'"] : [];
  return `        ${name}) _arguments ${[flagSpecs(flags), ...first, ...rest].join(" \\\n            ")} ;;`;
}

/** `'(-b --bundle)'{-b,--bundle}'[help]:value:_files'` */
function flagSpecs(flags: Flags): string {
  const specs = Object.entries(flags).filter(([, { hidden }]) => hidden !== true).map(([name, flag]) => {
    const names = spellings(name, flag);
    const repeated = flag.kind === "list" ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
    const which = names.length > 1 ? `'${repeated}'{${names.join(",")}}` : quote(`${repeated}${names[0]}`);
    return `${which}${quote(`[${flag.help.replaceAll(/[[\]]/g, "\\$&")}]${action(flag)}`)}`;
  });
  return [...specs, "'(-h --help)'{-h,--help}'[show help]'"].join(" \\\n            ");
}

function action({ kind, value = "value", choices, path }: Flag): string {
  if (kind === "bool") return "";
  const offered = choices !== undefined
    ? `(${choices.join(" ")})`
    : path === "directory"
    ? "_files -/"
    : path === "file"
    ? "_files"
    : " ";
  return `:${value.replaceAll(":", "\\:")}:${offered}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
