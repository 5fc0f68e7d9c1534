/**
 * A CRIU that works on new kernels, beside the one that the distribution has: Debian unstable's, with its libraries and its
 * dynamic loader, unpacked into a cache directory. Nothing is installed; apt works on lists of its own. Needs root's apt,
 * a mirror, 10 MB to fetch, some seconds.
 */

import { exists } from "../exists.ts";

/** What was provided. */
export interface Criu {
  /** A directory with an executable named `criu`, to be put into PATH. */
  readonly bin: string;
  /** That executable. */
  readonly criu: string;
  /** The description of the RPC interface that this CRIU installs for others. */
  readonly proto: string;
}

const SOURCES = `Types: deb
URIs: http://deb.debian.org/debian
Suites: sid
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

/** Where it is kept from one run to the next. */
export function cacheDirectory(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") || "/root"}/.cache`;
  return `${cache}/runo`;
}

/** The executable of a CRIU, or why there is none. */
export type Found = { readonly criu: string } | { readonly missing: string };

/** The one that `RUNO_CRIU` names, which is there already and works with the kernel; or else the one provided. Never throws. */
export function findCriu(): Found {
  const given = Deno.env.get("RUNO_CRIU");
  if (given !== undefined) return { criu: given };
  try {
    return { criu: provideCriu().criu };
  } catch (error) {
    return { missing: `no CRIU can be had: ${error instanceof Error ? error.message : error}` };
  }
}

/**
 * Provides it, from the cache if it is there. Safe to be called by several processes at once.
 * @throws {Error} when it cannot be fetched
 */
export function provideCriu(): Criu {
  const cache = cacheDirectory();
  const dir = `${cache}/criu-sid`;
  if (!exists(`${dir}/bin/criu`)) {
    Deno.mkdirSync(cache, { recursive: true });
    using lock = Deno.openSync(`${cache}/criu-sid.lock`, { create: true, write: true });
    lock.lockSync(true);
    if (!exists(`${dir}/bin/criu`)) unpack(dir);
  }
  return { bin: `${dir}/bin`, criu: `${dir}/bin/criu`, proto: `${dir}/dev/usr/include/criu/rpc.proto` };
}

/** Makes the directory under another name first: it is whole or not there. */
function unpack(dir: string): void {
  const work = `${dir}.new`;
  if (exists(work)) Deno.removeSync(work, { recursive: true });
  Deno.mkdirSync(`${work}/apt/lists/partial`, { recursive: true });
  Deno.mkdirSync(`${work}/apt/archives/partial`, { recursive: true });
  Deno.writeTextFileSync(`${work}/apt/sid.sources`, SOURCES);
  Deno.writeTextFileSync(`${work}/apt/status`, "");
  Deno.writeTextFileSync(`${work}/apt.conf`, aptConfig(`${work}/apt`));
  const env = { APT_CONFIG: `${work}/apt.conf` };
  run("apt-get", ["-q", "update"], env);
  // with no package installed, all that criu depends on is fetched: libc and the loader too
  run("apt-get", ["-q", "-y", "--download-only", "install", "criu", "libcriu-dev"], env);
  for (const { name } of Deno.readDirSync(`${work}/apt/archives`)) {
    if (!name.endsWith(".deb")) continue;
    const into = name.startsWith("libcriu-dev") ? "dev" : "root";
    run("dpkg-deb", ["--extract", `${work}/apt/archives/${name}`, `${work}/${into}`], {});
  }
  Deno.removeSync(`${work}/apt`, { recursive: true });
  Deno.mkdirSync(`${work}/bin`);
  Deno.writeTextFileSync(`${work}/bin/criu`, wrapper(`${dir}/root`), { mode: 0o755 });
  Deno.renameSync(work, dir);
}

function aptConfig(dir: string): string {
  return `Dir::State "${dir}";
Dir::State::lists "${dir}/lists";
Dir::State::status "${dir}/status";
Dir::Cache "${dir}";
Dir::Cache::archives "${dir}/archives";
Dir::Etc::sourcelist "${dir}/sid.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
`;
}

/** libc of the distribution is too old for it: it runs with the loader and the libraries that came with it. */
function wrapper(root: string): string {
  const libraries = `${root}/usr/lib/${Deno.build.arch}-linux-gnu`;
  const loader = Deno.build.arch === "aarch64" ? "usr/lib/ld-linux-aarch64.so.1" : "usr/lib64/ld-linux-x86-64.so.2";
  return `#!/bin/sh\nexec "${root}/${loader}" --library-path "${libraries}" "${root}/usr/sbin/criu" "$@"\n`;
}

function run(program: string, args: readonly string[], env: Record<string, string>): void {
  const { success, stdout, stderr } = new Deno.Command(program, { args: [...args], env }).outputSync();
  if (success) return;
  const said = new TextDecoder().decode(stderr.length > 0 ? stderr : stdout).trim().split("\n").slice(-5).join("; ");
  throw new Error(`${program} ${args.join(" ")}: ${said}`);
}

if (import.meta.main) console.log(provideCriu().criu);
