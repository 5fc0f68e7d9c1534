/** The process that `exec` runs: from a file, or from the container's config and the flags. */

import { RunoError } from "../core/error.ts";
import { configuredProcess } from "../core/host/configured_process.ts";
import { loadContainer } from "../core/host/container.ts";
import type { Capabilities, Process, User } from "../core/spec/types.ts";
import { assertValidProcess } from "../core/spec/validate_process.ts";
import { absolutePath } from "./paths.ts";

/** What the command line says about the process. */
export interface ProcessFlags {
  readonly process: string | undefined;
  readonly cwd: string | undefined;
  readonly env: readonly string[];
  readonly tty: boolean | undefined;
  readonly user: string | undefined;
  readonly "additional-gids": readonly string[];
  readonly "process-label": string | undefined;
  readonly apparmor: string | undefined;
  readonly "no-new-privs": boolean | undefined;
  readonly cap: readonly string[];
}

/**
 * The process to execute. A file says all of it; the other flags change the process of the container's config.
 * @throws {RunoError}
 */
export async function processOf(
  root: string,
  id: string,
  command: readonly string[],
  flags: ProcessFlags,
): Promise<Process> {
  try {
    return await read(root, id, command, flags);
  } catch (error) {
    // that there is no container is what to tell first
    loadContainer(root, id);
    throw error;
  }
}

async function read(root: string, id: string, command: readonly string[], flags: ProcessFlags): Promise<Process> {
  if (flags.process) return await processFile(absolutePath(flags.process));
  if (command.length === 0) throw invalid("process args cannot be empty");
  const process = changed(await configuredProcess(loadContainer(root, id)), command, flags);
  assertValidProcess(process, "command line");
  return process;
}

async function processFile(path: string): Promise<Process> {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new RunoError(`reading process file "${path}"`, { kind: "invalid", cause: error });
  }
  const { parseProcess } = await import("../core/spec/parse_process.ts");
  const process = parseProcess(text, path);
  assertValidProcess(process, path);
  return process;
}

/** The config's process with what the flags say. */
export function changed(base: Process, args: readonly string[], flags: ProcessFlags): Process {
  return {
    ...base,
    args,
    env: [...base.env ?? [], ...flags.env],
    terminal: flags.tty ?? false,
    user: user(base.user, flags),
    ...flags.cwd ? { cwd: flags.cwd } : {},
    ...flags["process-label"] ? { selinuxLabel: flags["process-label"] } : {},
    ...flags.apparmor ? { apparmorProfile: flags.apparmor } : {},
    ...flags["no-new-privs"] === undefined ? {} : { noNewPrivileges: flags["no-new-privs"] },
    ...flags.cap.length === 0 ? {} : { capabilities: withCapabilities(base.capabilities ?? {}, flags.cap) },
  };
}

/** Never inheritable (CVE-2022-24769), and ambient, which needs inheritable, only where the config has some already. */
function withCapabilities(base: Capabilities, added: readonly string[]): Capabilities {
  return {
    ...base,
    bounding: [...base.bounding ?? [], ...added],
    effective: [...base.effective ?? [], ...added],
    permitted: [...base.permitted ?? [], ...added],
    ...base.inheritable === undefined ? {} : { ambient: [...base.ambient ?? [], ...added] },
  };
}

/** Ids are decimal numbers and nothing else: what is half a number must not become root (CVE-2026-30892). */
function user(base: User | undefined, flags: ProcessFlags): User {
  const more = flags["additional-gids"].flatMap((list) => list.split(",")).map((gid) => readId(gid, "additional gid"));
  const groups = more.length === 0 ? {} : { additionalGids: [...base?.additionalGids ?? [], ...more] };
  const own = { uid: 0, gid: 0, ...base, ...groups };
  if (flags.user === undefined) return own;
  const colon = flags.user.indexOf(":");
  if (colon < 0) return { ...own, uid: readId(flags.user, "uid") };
  return {
    ...own,
    uid: readId(flags.user.slice(0, colon), "uid"),
    gid: readId(flags.user.slice(colon + 1), "gid"),
  };
}

// 4294967295 is (uid_t) -1, which the kernel takes for "no change"
function readId(text: string, what: string): number {
  const id = /^\d+$/.test(text) ? Number(text) : NaN;
  if (id < 0xffffffff) return id;
  throw new RunoError(`parsing ${JSON.stringify(text)} as ${what}`, {
    kind: "invalid",
    hint: "a decimal number below 4294967295",
  });
}

/**
 * Where `--cgroup` puts the process: paths by controller, "" for all of them; undefined for where the container is.
 * @throws {RunoError}
 */
export function subCgroups(texts: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined;
  const paths: Record<string, string> = {};
  for (const text of texts) {
    const colon = text.indexOf(":");
    const path = checkSubCgroup(text.slice(colon + 1));
    const controllers = colon < 0 ? [""] : text.slice(0, colon).split(",");
    if (colon < 0 && texts.length > 1) throw invalid(`more than one --cgroup, and one for all controllers: "${text}"`);
    for (const controller of controllers) paths[controller] = path;
  }
  return paths;
}

function checkSubCgroup(path: string): string {
  // the words are runc's
  if (path.split("/").includes("..")) throw invalid(`bad sub cgroup path: ${path}`);
  return path.replaceAll(/\/+/g, "/").replace(/^\//, "").replace(/\/$/, "");
}

function invalid(phrase: string): RunoError {
  return new RunoError(phrase, { kind: "invalid" });
}
