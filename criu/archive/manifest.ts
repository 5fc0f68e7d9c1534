/** What an exported checkpoint says of itself, and whether it can be restored here. */

import { RunoError } from "../../core/error.ts";
import type { RuncConfig } from "../../core/host/runc_config.ts";
import type { RootfsSummary } from "./rootfs.ts";

/** The first file of the archive. */
export const MANIFEST = "manifest.json";

/** Its content. */
export interface Manifest {
  /** Of this object's shape. */
  readonly format: 1;
  readonly id: string;
  /** RFC 3339. */
  readonly exported: string;
  /** major * 10000 + minor * 100 + sublevel. */
  readonly criu: number;
  /** As uname(1) says them. */
  readonly arch: string;
  readonly kernel: string;
  /** Instructions that programs may have found out about before the checkpoint. */
  readonly cpu: readonly string[];
  /** Types of the container's namespaces. */
  readonly namespaces: readonly string[];
  /** Mount points that come from outside. */
  readonly binds: readonly string[];
  readonly rootfs: RootfsSummary;
  readonly files: readonly ArchivedFile[];
}

/** An image. */
export interface ArchivedFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What is compared with a manifest. */
export type Here = Pick<Manifest, "criu" | "arch" | "cpu" | "namespaces" | "binds" | "rootfs">;

/** The machine's part of it. */
export function machine(): Pick<Manifest, "arch" | "kernel" | "cpu"> {
  return { arch: Deno.build.arch, kernel: Deno.osRelease(), cpu: cpuFeatures(Deno.readTextFileSync("/proc/cpuinfo")) };
}

/** Vector and other instructions that a program uses when it has found them, and that a restore takes for granted. */
const INSTRUCTIONS =
  /^(s?sse|avx|fma|f16c|bmi|aes|vaes|pclmul|vpclmul|sha|gfni|amx|adx|abm|movbe|popcnt|xsave|rd(rand|seed|pid|tscp)|fsgsbase|cx16|erms|fsrm|sve|asimd|crc32|atomics|pmull)/;

/** The instructions of the first processor, sorted: "flags" of x86, "Features" of ARM. */
export function cpuFeatures(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? "";
  return line.split(/\s+/).filter((flag) => INSTRUCTIONS.test(flag)).sort();
}

/** The config's part of it. */
export function outline({ namespaces, mounts }: RuncConfig): Pick<Manifest, "namespaces" | "binds"> {
  return {
    namespaces: (namespaces ?? []).map(({ type }) => type).filter((type) => type !== "NEWTIME").sort(),
    binds: (mounts ?? []).filter(({ device }) => device === "bind").map(({ destination }) => destination).sort(),
  };
}

/** Reads a manifest. @throws {RunoError} `invalid` */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RunoError("reading the manifest of the checkpoint", { kind: "invalid", cause: error });
  }
  if (!isManifest(value)) {
    throw new RunoError("reading the manifest of the checkpoint: it is none that this version knows", {
      kind: "invalid",
    });
  }
  return value;
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { format, criu, arch, cpu, namespaces, binds, rootfs, files } = value as Partial<Manifest>;
  const lists = [cpu, namespaces, binds].every((list) => list?.every?.((entry) => typeof entry === "string") ?? false);
  return format === 1 && typeof criu === "number" && typeof arch === "string" && lists &&
    typeof rootfs?.digest === "string" && Array.isArray(files) && files.every(isFile);
}

function isFile(value: unknown): value is ArchivedFile {
  const { name, size, sha256 } = value as Partial<ArchivedFile>;
  // a name is one of a file in the directory of the images, and of nothing else
  return typeof name === "string" && /^[\w.-]+$/.test(name) && !/^\.+$/.test(name) && typeof size === "number" &&
    typeof sha256 === "string";
}

/**
 * Whether a checkpoint can be restored here, before anything is made.
 * @throws {RunoError} `unsupported` for the machine, `invalid` for the bundle
 */
export function assertCompatible(manifest: Manifest, here: Here): void {
  const refuse = (reason: string, kind: "unsupported" | "invalid", hint?: string) => {
    throw new RunoError(`the checkpoint of "${manifest.id}" cannot be restored here: ${reason}`, { kind, hint });
  };
  if (manifest.arch !== here.arch) refuse(`it is of ${manifest.arch}, this machine is ${here.arch}`, "unsupported");
  if (here.criu < manifest.criu) {
    refuse(`it was made by CRIU ${manifest.criu}, this one is ${here.criu}`, "unsupported", "install a newer CRIU");
  }
  const lacking = manifest.cpu.filter((flag) => !here.cpu.includes(flag));
  if (lacking.length > 0) {
    refuse(`this processor lacks ${some(lacking)}`, "unsupported", "its programs may use these instructions");
  }
  compare(manifest, here, "namespaces", "namespaces", refuse);
  compare(manifest, here, "binds", "bind mounts", refuse);
  if (manifest.rootfs.digest !== here.rootfs.digest) {
    const count = ({ files }: RootfsSummary) => `${files} files`;
    refuse(
      `the root file system is another one (${count(manifest.rootfs)} then, ${count(here.rootfs)} now)`,
      "invalid",
      "bring it along as it was, or give --import-any-rootfs",
    );
  }
}

function compare(
  manifest: Manifest,
  here: Here,
  key: "namespaces" | "binds",
  what: string,
  refuse: (reason: string, kind: "invalid") => void,
): void {
  const missing = manifest[key].filter((entry) => !here[key].includes(entry));
  const more = here[key].filter((entry) => !manifest[key].includes(entry));
  if (missing.length > 0) refuse(`config.json lacks the ${what} ${some(missing)}`, "invalid");
  if (more.length > 0) refuse(`config.json has the ${what} ${some(more)}, the checkpoint has not`, "invalid");
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
