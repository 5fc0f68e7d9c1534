/** `resume`: lets the processes of a paused container go on. */

import { resumeContainer } from "../core/host/pause.ts";
import { command } from "./command.ts";

export const resume = command({
  name: "resume",
  summary: "let the processes of a paused container go on",
  usage: "<container-id>",
  flags: {},
  arity: { exactly: 1 },
  argument: "container",
  run({ host, args }) {
    resumeContainer(host, args[0]!);
    return 0;
  },
});
