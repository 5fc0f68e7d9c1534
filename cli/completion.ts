/** `completion`: prints a script that teaches a shell to complete the command line. */

import { RunoError } from "../core/error.ts";
import { type Command, command } from "./command.ts";
import { allCommands } from "./commands.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { zshScript } from "./completion/zsh.ts";

/** Makes a script for the program of this name. */
export type ScriptMaker = (program: string, commands: readonly Command[]) => string;

const SHELLS: Readonly<Record<string, ScriptMaker>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

export const completion = command({
  name: "completion",
  summary: "print a completion script for a shell",
  usage: "bash|zsh|fish",
  description: `    bash: runo completion bash > /usr/share/bash-completion/completions/runo
    zsh:  runo completion zsh > /usr/share/zsh/site-functions/_runo
    fish: runo completion fish > /usr/share/fish/vendor_completions.d/runo.fish`,
  flags: {},
  arity: { exactly: 1 },
  argument: Object.keys(SHELLS),
  async run({ args: [shell], program, print }) {
    const make = Object.hasOwn(SHELLS, shell!) ? SHELLS[shell!] : undefined;
    if (make === undefined) {
      throw new RunoError(`unknown shell ${JSON.stringify(shell)}`, { kind: "invalid", hint: "bash, zsh or fish" });
    }
    print(make(program, await allCommands()));
    return 0;
  },
});
