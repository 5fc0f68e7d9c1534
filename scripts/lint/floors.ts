/** Imports go down only: what each room of the house may import. */

import { type Finding, type Source, target } from "./source.ts";

/** The rooms, floor by floor from the ground. A path is in the room with the longest prefix of it. */
const FLOORS: readonly (readonly string[])[] = [
  ["ffi/abi.ts", "ffi/structs.ts", "core/error.ts"],
  ["ffi/"],
  ["core/"],
  ["core/spec/"],
  ["core/program/"],
  ["core/plan/", "core/cgroup/", "core/rdt/"],
  ["core/host/"],
  ["criu/"],
  ["mod.ts"],
  ["cli/"],
];

/** Rooms that see less than what is below them. In spec, program and plan no system call is made. */
const HIDDEN: Readonly<Record<string, readonly string[]>> = {
  "core/spec/": ["ffi/"],
  "core/program/": ["ffi/"],
  "core/plan/": ["ffi/"],
  "cli/": ["ffi/", "ffi/abi.ts", "ffi/structs.ts"],
};
const PURE = ["core/spec/", "core/program/", "core/plan/"];

/** What is imported from outside, and where. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@std/cli/": ["cli/", "scripts/", "tests/"],
  "@std/path": ["ffi/", "core/", "criu/", "cli/", "mod.ts", "scripts/", "tests/"],
  "@std/assert": ["tests/"],
  "@bufbuild/protobuf": ["criu/", "scripts/", "tests/"],
  protobufjs: ["criu/", "scripts/", "tests/"],
};

/** Imports that go up, sideways or outside, and system calls where there must be none. */
export function floors(sources: readonly Source[]): Finding[] {
  return sources.flatMap((file) =>
    [
      ...file.imports.flatMap(({ specifier, typeOnly }) => wrongImport(file.path, specifier, typeOnly) ?? []),
      ...impure(file),
    ].map((what) => ({ where: file.path, what }))
  );
}

function wrongImport(from: string, specifier: string, typeOnly: boolean): string | undefined {
  const to = target(from, specifier);
  if (to === undefined) return wrongPackage(from, specifier);
  const room = roomOf(from), other = roomOf(to);
  if (room === undefined || room === other) return undefined;
  if (other === undefined) return `imports "${to}", which is no part of the product`;
  // a type is no code: rooms on one floor may speak of each other's data
  const below = typeOnly ? floorOf(other) <= floorOf(room) : floorOf(other) < floorOf(room);
  const allowed = below && !(HIDDEN[room] ?? []).includes(other);
  return allowed ? undefined : `imports "${to}": "${room}" may not import "${other}"`;
}

function roomOf(path: string): string | undefined {
  return FLOORS.flat().filter((room) => path.startsWith(room)).sort((a, b) => b.length - a.length)[0];
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

/** Loads a module of Node by a dynamic import, in a command that takes seconds anyway. */
const NODE_LOADER = "criu/archive/hash.ts";

function wrongPackage(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) {
    const product = roomOf(from) !== undefined && from !== NODE_LOADER;
    return product ? `imports "${specifier}": node: modules cost milliseconds` : undefined;
  }
  const found = Object.keys(PACKAGES).find((name) => specifier.startsWith(name));
  if (found === undefined) return `imports "${specifier}": no such package is used here`;
  return PACKAGES[found]!.some((room) => from.startsWith(room))
    ? undefined
    : `imports "${specifier}" in the wrong room`;
}

function impure({ path, text }: Source): string[] {
  if (!PURE.some((room) => path.startsWith(room))) return [];
  const found = /\bDeno\.(?!build\b)\w+/.exec(text);
  return found === null ? [] : [`${found[0]} where no system call may be made`];
}
