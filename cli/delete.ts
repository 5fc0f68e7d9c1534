/** `delete`: removes a container. */

import { deleteContainer } from "../core/host/delete.ts";
import { command } from "./command.ts";
import { forEachWanted, REGEX_FLAG } from "./many.ts";

export const deletion = command({
  name: "delete",
  summary: "remove a container and all that it holds",
  usage: "<container-id>",
  flags: {
    ...REGEX_FLAG,
    force: { kind: "bool", short: "f", help: "kill a container that runs (SIGKILL); none to remove is fine" },
  },
  arity: { exactly: 1 },
  argument: "container",
  async run({ host, args, flags }) {
    await forEachWanted(
      { root: host.root, id: args[0]!, regex: flags.regex },
      (id) => deleteContainer(host, id, { force: flags.force ?? false }),
    );
    return 0;
  },
});
