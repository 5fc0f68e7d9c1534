/** The messages of criu/*.proto in TypeScript, by buf and protoc-gen-es. */

import { fromFileUrl } from "@std/path";

// not in deno.lock: whoever only runs or tests runo does not fetch them
const BUF = "npm:@bufbuild/buf@1.75.0";
const PLUGIN = "npm:@bufbuild/protoc-gen-es@2.17.0";

const TOP = fromFileUrl(new URL("../..", import.meta.url));

/**
 * Generates the messages into `out`, absolute or below the top of the project.
 * @returns the names of the files made
 * @throws {Error} with what buf said
 */
export function generateMessages(out: string): readonly string[] {
  const deno = Deno.execPath();
  const template = {
    version: "v2",
    plugins: [{
      local: [deno, "run", "--quiet", "--no-lock", "--allow-all", PLUGIN],
      out,
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  const { success, stderr } = new Deno.Command(deno, {
    args: [
      "run",
      "--quiet",
      "--no-lock",
      "--allow-all",
      BUF,
      "generate",
      "criu",
      "--template",
      JSON.stringify(template),
    ],
    cwd: TOP,
  }).outputSync();
  if (!success) throw new Error(`generating "${out}": ${new TextDecoder().decode(stderr).trim()}`);
  return ["rpc_pb.ts", "stats_pb.ts"].map((file) => `${out}/${file}`);
}

/** Writes criu/gen. */
export function criuMessages(): readonly string[] {
  const file = "criu/gen/rpc_fields.ts";
  const made = generateMessages("criu/gen");
  Deno.writeTextFileSync(`${TOP}/${file}`, fieldTable());
  return [...made, file];
}

/** In a process of its own: this one may have loaded the messages as they were before. */
function fieldTable(): string {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", `${TOP}/scripts/gen/criu_fields.ts`],
    cwd: TOP,
  }).outputSync();
  if (!success) throw new Error(`making the table of fields: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}
