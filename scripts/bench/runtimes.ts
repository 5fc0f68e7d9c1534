/** The runtimes that are compared, and the bundles that they run. */

import { exists } from "../exists.ts";
import { EXECUTABLE } from "../compile.ts";
import { makeRootfs } from "../fixtures/rootfs.ts";

/** A runtime, its state below a directory of the benchmark. */
export interface Runtime {
  readonly name: string;
  /** The command line before the command. */
  readonly prefix: readonly string[];
  /** Its state directory. */
  readonly root: string;
}

/** runo, and runc and crun where they are installed. */
export function runtimes(directory: string): readonly Runtime[] {
  const programs = [["runo", EXECUTABLE], ["runc", which("runc")], ["crun", which("crun")]] as const;
  return programs.flatMap(([name, program]) => {
    if (program === undefined) return [];
    const root = `${directory}/${name}`;
    Deno.mkdirSync(root, { recursive: true });
    return [{ name, prefix: [program, "--root", root], root }];
  });
}

function which(name: string): string | undefined {
  const { success, stdout } = new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).outputSync();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

/** Changes to the config that `spec` writes. */
// deno-lint-ignore no-explicit-any
export type Change = (config: any) => void;

/** A bundle below a directory. */
export class Bundle {
  readonly directory: string;

  constructor(parent: string) {
    this.directory = Deno.makeTempDirSync({ dir: parent, prefix: "bundle-" });
    makeRootfs(`${this.directory}/rootfs`);
  }

  /** Writes config.json: the default one, which runs these words without a terminal, and the changes. */
  configure(args: readonly string[], change: Change = () => {}): void {
    const file = `${this.directory}/config.json`;
    if (exists(file)) Deno.removeSync(file);
    new Deno.Command(EXECUTABLE, { args: ["spec", "--bundle", this.directory] }).outputSync();
    const config = JSON.parse(Deno.readTextFileSync(file));
    // crun of Debian 12 knows no later version
    config.ociVersion = "1.0.2";
    Object.assign(config.process, { args, terminal: false });
    change(config);
    Deno.writeTextFileSync(file, JSON.stringify(config));
  }
}
