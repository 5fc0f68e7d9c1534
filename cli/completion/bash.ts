/** Completion for bash(1). */

import type { Command } from "../command.ts";
import { type Flag, type Flags, spellings } from "../flags.ts";
import { GLOBAL_FLAGS } from "../globals.ts";

/** The script. Its one function looks for the command among the words before the cursor and goes on from there. */
export function bashScript(program: string, commands: readonly Command[]): string {
  return `# bash completion for ${program}

_${program}_containers() {
    COMPREPLY=($(compgen -W '$(${program} "\${globals[@]}" list --quiet 2>/dev/null)' -- "$cur"))
}

_${program}() {
    local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
    local command= i arguments=0 globals=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        local word=\${COMP_WORDS[i]}
        if [[ -n $command ]]; then
            case $command:$word in
${commandValueFlags(commands)}
                *:-*) ;;
                *) ((arguments++)) ;;
            esac
            continue
        fi
        case $word in
            ${patterns(valueFlags(GLOBAL_FLAGS))})
                [[ $word == --root ]] && globals=(--root "\${COMP_WORDS[i+1]}")
                ((i++)) ;;
            -*) ;;
            *) command=$word ;;
        esac
    done
    case $command in
        '')
            case $prev in
${values(GLOBAL_FLAGS)}
            esac
            COMPREPLY=($(compgen -W '${
    words([...commands.map(({ name }) => name), "help", ...flagWords(GLOBAL_FLAGS)])
  }' -- "$cur"))
            ;;
${commands.map((command) => commandCase(program, command)).join("\n")}
        help)
            COMPREPLY=($(compgen -W '${words(commands.map(({ name }) => name))}' -- "$cur"))
            ;;
    esac
}

complete -F _${program} ${program}
`;
}

function commandCase(program: string, { name, flags, argument }: Command): string {
  const offers = argument === "container"
    ? `_${program}_containers`
    : argument === undefined
    ? ":"
    : `COMPREPLY=($(compgen -W '${words(argument)}' -- "$cur"))`;
  return `        ${name})
            case $prev in
${values(flags)}
            esac
            if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W '${words(flagWords(flags))}' -- "$cur"))
            elif ((arguments == 0)); then
                ${offers}
            fi
            ;;`;
}

/** Flags whose value is the next word, so that it is not taken for an argument. */
function commandValueFlags(commands: readonly Command[]): string {
  return commands.filter(({ flags }) => valueFlags(flags).length > 0).map(({ name, flags }) =>
    `                ${patterns(valueFlags(flags).map((flag) => `${name}:${flag}`))}) ((i++)) ;;`
  ).join("\n");
}

/** What follows a flag. */
function values(flags: Flags): string {
  return Object.entries(flags).filter(([, flag]) => flag.kind !== "bool" && flag.hidden !== true)
    .map(([name, flag]) => `                ${patterns(spellings(name, flag))}) ${offered(flag)}; return ;;`).join(
      "\n",
    );
}

function offered({ choices, path }: Flag): string {
  if (choices !== undefined) return `COMPREPLY=($(compgen -W '${words(choices)}' -- "$cur"))`;
  if (path === "directory") return `compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))`;
  return path === "file" ? `compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))` : ":";
}

function valueFlags(flags: Flags): string[] {
  return Object.entries(flags).filter(([, { kind }]) => kind !== "bool").flatMap(([name, flag]) =>
    spellings(name, flag)
  );
}

function flagWords(flags: Flags): string[] {
  return Object.entries(flags).filter(([, { hidden }]) => hidden !== true)
    .flatMap(([name, flag]) => spellings(name, flag)).concat("--help");
}

function words(all: readonly string[]): string {
  return all.join(" ");
}

function patterns(all: readonly string[]): string {
  return all.join("|");
}
