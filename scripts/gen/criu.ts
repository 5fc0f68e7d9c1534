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
  return generateMessages("criu/gen");
}
