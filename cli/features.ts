/** `features`: prints what the program can do, for programs. */

import { readFeatures } from "../core/host/features.ts";
import { goJson } from "../core/log.ts";
import { COMMIT, VERSION } from "../core/version.ts";
import { command } from "./command.ts";

export const features = command({
  name: "features",
  summary: "print what can be asked for in config.json",
  usage: "",
  description: "The JSON document is described by the OCI runtime specification.",
  flags: {},
  arity: { exactly: 0 },
  run({ print }) {
    print(`${goJson(readFeatures({ version: VERSION, commit: COMMIT }), 4)}\n`);
    return 0;
  },
});
