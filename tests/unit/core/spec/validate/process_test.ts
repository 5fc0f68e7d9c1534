import { assertEquals } from "@std/assert";
import { validateSpec } from "../../../../../core/spec/validate.ts";
import { changed, errors, lines } from "../config.ts";

errors("checks the process", [
  [{ "process.cwd": "tmp" }, "/process/cwd: must be an absolute path"],
  [{ "process.args": [] }, "/process/args: args must not be empty"],
  [{ "process.args": undefined }, "/process/args: args must not be empty"],
  [{ "process.env": ["A=", "B"] }, "/process/env/1: invalid environment variable: missing '='"],
  [{ "process.env": ["=x"] }, "/process/env/0: invalid environment variable: name cannot be empty"],
  [{ "process.oomScoreAdj": -1000 }],
  [{ "process.oomScoreAdj": 1001 }, "/process/oomScoreAdj: must be from -1000 to 1000"],
]);

const rlimit = (type: string, soft: number | string, hard: number | string) => ({ type, soft, hard });
const MAX = "18446744073709551615";
errors("checks rlimits", [
  [{ "process.rlimits": [rlimit("RLIMIT_RTTIME", 1, MAX), rlimit("RLIMIT_AS", MAX, MAX)] }],
  [{ "process.rlimits": [rlimit("RLIMIT_FOO", 1, 1)] }, '/process/rlimits/0/type: unknown rlimit "RLIMIT_FOO"'],
  [
    { "process.rlimits": [rlimit("RLIMIT_CORE", 1, 1), rlimit("RLIMIT_CORE", 1, 1)] },
    '/process/rlimits/1/type: duplicated rlimit "RLIMIT_CORE"',
  ],
  [{ "process.rlimits.0.soft": 1025 }, "/process/rlimits/0/soft: soft limit 1025 is above the hard limit 1024"],
  [{ "process.rlimits.0.soft": MAX }, `/process/rlimits/0/soft: soft limit ${MAX} is above the hard limit 1024`],
]);

Deno.test("validateSpec() only warns of capabilities", () => {
  const report = validateSpec(changed({
    "process.capabilities": {
      bounding: ["CAP_NO_SUCH"],
      effective: ["CAP_CHOWN"],
      permitted: ["CAP_KILL"],
      inheritable: [],
      ambient: ["CAP_KILL", "CAP_BPF"],
    },
  }));
  assertEquals(report.errors.length, 0);
  assertEquals(lines(report.warnings), [
    '/process/capabilities/bounding/0: ignoring unknown capability "CAP_NO_SUCH"',
    "/process/capabilities/effective/0: CAP_CHOWN cannot be effective: it is not permitted",
    "/process/capabilities/ambient/0: can't raise ambient capability CAP_KILL: it is not inheritable",
    "/process/capabilities/ambient/1: can't raise ambient capability CAP_BPF: it is not permitted and not inheritable",
  ]);
});
