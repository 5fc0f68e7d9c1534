/** The second disk of a test machine: Deno, the executable, the sources, and the packages that the tests import. */

import { exists } from "../../scripts/exists.ts";
import { makeFileSystem, run } from "./image.ts";

const REPO = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
/** What the tests in the guest need of the sources. */
const SOURCES = ["deno.json", "deno.lock", "mod.ts", "cli", "core", "criu", "ffi", "scripts", "tests"];
/** What they import from npm. */
const PACKAGES = ["deno-std"];

/** Makes the disk's file system as a file. `prepare` may add to the directory that it is made of. */
export function makePayload(file: string, prepare: (tree: string) => void = () => {}): void {
  const tree = `${file}.tree`;
  Deno.mkdirSync(`${tree}/repo/dist`, { recursive: true });
  for (const source of SOURCES.filter((name) => exists(`${REPO}/${name}`))) {
    run("cp", "-r", `${REPO}/${source}`, `${tree}/repo/${source}`);
  }
  copyOrLink(`${REPO}/dist/runo`, `${tree}/repo/dist/runo`);
  copyOrLink(Deno.execPath(), `${tree}/deno`);
  copyPackages(`${tree}/deno-dir`);
  prepare(tree);
  makeFileSystem(tree, file, "1G");
  Deno.removeSync(tree, { recursive: true });
}

/** The imported packages out of Deno's cache, so that nothing is fetched in the guest. */
function copyPackages(directory: string): void {
  for (const name of PACKAGES) {
    const path = `npm/registry.npmjs.org/${name}`;
    Deno.mkdirSync(`${directory}/${path}`, { recursive: true });
    run("cp", "-r", `${denoDirectory()}/${path}/.`, `${directory}/${path}`);
  }
}

function denoDirectory(): string {
  return JSON.parse(run(Deno.execPath(), "info", "--json")).denoDir;
}

/** Large files need not be there twice. */
function copyOrLink(from: string, to: string): void {
  const real = Deno.realPathSync(from);
  try {
    Deno.linkSync(real, to);
  } catch {
    Deno.copyFileSync(real, to);
  }
}
