/** `delete`: removes a container. */

import { deleteContainer } from "../core/host/stop.ts";
import { command } from "./command.ts";

export const deletion = command({
  name: "delete",
  summary: "remove a container and all that it holds",
  usage: "<container-id>",
  flags: {
    force: { kind: "bool", short: "f", help: "kill a container that runs (SIGKILL); none to remove is fine" },
  },
  arity: { exactly: 1 },
  run({ host, args, flags }) {
    deleteContainer(host, args[0]!, { force: flags.force ?? false });
    return 0;
  },
});
