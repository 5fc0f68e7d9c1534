/** All commands by name. Each is loaded when it is called for. */

import type { Command } from "./command.ts";

/** Loads a command. */
type Loader = () => Promise<Command>;

/** In the order of help. */
const COMMANDS: Readonly<Record<string, Loader>> = {
  check: async () => (await import("./check.ts")).check,
  checkpoint: async () => (await import("./checkpoint.ts")).checkpoint,
  completion: async () => (await import("./completion.ts")).completion,
  config: async () => (await import("./config.ts")).config,
  create: async () => (await import("./create.ts")).create,
  delete: async () => (await import("./delete.ts")).deletion,
  events: async () => (await import("./events.ts")).events,
  exec: async () => (await import("./exec.ts")).exec,
  features: async () => (await import("./features.ts")).features,
  kill: async () => (await import("./kill.ts")).kill,
  list: async () => (await import("./list.ts")).list,
  pause: async () => (await import("./pause.ts")).pause,
  plan: async () => (await import("./plan.ts")).plan,
  ps: async () => (await import("./ps.ts")).ps,
  restore: async () => (await import("./restore.ts")).restore,
  resume: async () => (await import("./resume.ts")).resume,
  run: async () => (await import("./run.ts")).run,
  spec: async () => (await import("./spec.ts")).spec,
  start: async () => (await import("./start.ts")).start,
  state: async () => (await import("./state.ts")).state,
  update: async () => (await import("./update.ts")).update,
};

/** The command of this name, or undefined. */
export async function findCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]!() : undefined;
}

/** All of them, for help and completion. */
export async function allCommands(): Promise<Command[]> {
  return await Promise.all(Object.values(COMMANDS).map((load) => load()));
}
