/** `create`: makes a container, which then waits for `start`. */

import { createContainer } from "../core/host/create.ts";
import { command } from "./command.ts";
import { CREATE_FLAGS, createOptions } from "./create_flags.ts";

export const create = command({
  name: "create",
  summary: "create a container",
  usage: "<container-id>",
  description: 'The container is ready when the command ends; its program is executed by "start".',
  flags: CREATE_FLAGS,
  arity: { exactly: 1 },
  failure: { words: (program) => `${program} create failed` },
  async run(invocation) {
    await createContainer(createOptions(invocation, true));
    return 0;
  },
});
