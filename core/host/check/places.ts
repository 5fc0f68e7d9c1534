/** `check`: whether what a config names on the host is there. */

import { absoluteSource } from "../../plan/sources.ts";
import { RunoError } from "../../error.ts";
import { checkedResctrl, findResctrl } from "../../rdt/resctrl.ts";
import { isBind } from "../../spec/mount_options.ts";
import type { Hook, Mount, Spec } from "../../spec/types.ts";
import { HOOK_PHASES } from "../../spec/validate/hooks.ts";
import { NAMESPACE_TYPES } from "../../spec/validate/namespaces.ts";
import { type Finding, Report } from "./finding.ts";
import { findInRoot, mountedPlaces } from "./in_root.ts";
import { hasNamespaceType } from "./kernel.ts";
import { readOptional, statOptional } from "./read.ts";

/** Where the bundle is. */
export interface BundlePlace {
  readonly bundle: string;
  /** The root file system, if it is there. */
  readonly rootfs: string | undefined;
}

/** Mounts, hooks, namespaces, kernel parameters and network devices. */
export function checkPlaces(spec: Spec, place: BundlePlace): Finding[] {
  const report = new Report("config.json");
  (spec.mounts ?? []).forEach((mount, i) => checkMount(mount, `/mounts/${i}`, place, report));
  checkHooks(spec, place, report);
  checkNamespaces(spec, report);
  checkSysctl(spec, report);
  for (const name of Object.keys(spec.linux?.netDevices ?? {})) {
    if (statOptional(`/sys/class/net/${name}`) === undefined) {
      report.error(`there is no network device "${name}"`, { pointer: `/linux/netDevices/${name}` });
    }
  }
  checkRdt(spec, report);
  return report.findings;
}

function checkMount(mount: Mount, pointer: string, { bundle, rootfs }: BundlePlace, report: Report): void {
  if (!isBind(mount)) return checkFileSystem(mount.type ?? "", `${pointer}/type`, report);
  const source = absoluteSource(mount.source ?? "", bundle), info = statOptional(source);
  if (info === undefined) {
    return report.error(`the mount source "${source}" is missing`, { pointer: `${pointer}/source` });
  }
  if (rootfs === undefined) return;
  const target = findInRoot(rootfs, mount.destination, []);
  if (typeof target === "string" || target.info.isDirectory === info.isDirectory) return;
  const [from, to] = info.isDirectory ? ["directory", "file"] : ["file", "directory"];
  const message = `a ${from} cannot be mounted on "${mount.destination}", which is a ${to}`;
  report.error(message, { pointer: `${pointer}/destination` });
}

function checkFileSystem(type: string, pointer: string, report: Report): void {
  const known = readOptional("/proc/filesystems")?.split("\n").map((line) => line.split("\t")[1]) ?? [];
  // "cgroup" is what a config calls both versions
  if (type === "" || type === "none" || type === "cgroup" || known.includes(type)) return;
  const hint = `modprobe ${type}, or add the option "bind" if it is no file system`;
  report.warn(`the kernel does not know file systems of type "${type}" (yet)`, { pointer, hint });
}

function checkHooks({ hooks = {}, mounts = [] }: Spec, { rootfs }: BundlePlace, report: Report): void {
  for (const phase of HOOK_PHASES) {
    (hooks[phase] ?? []).forEach(({ path }: Hook, i: number) => {
      const pointer = `/hooks/${phase}/${i}/path`;
      // startContainer is executed where the container's program will be
      const found = phase === "startContainer"
        ? rootfs === undefined ? "unknown" : findInRoot(rootfs, path, mountedPlaces(mounts))
        : { info: statOptional(path) };
      if (found === "unknown") return;
      const info = found === "missing" ? undefined : found.info;
      if (info === undefined) report.error(`the hook "${path}" is missing`, { pointer });
      else if (!info.isFile || ((info.mode ?? 0) & 0o111) === 0) {
        report.error(`the hook "${path}" is not executable`, { pointer, hint: `chmod +x ${path}` });
      }
    });
  }
}

function checkNamespaces({ linux }: Spec, report: Report): void {
  (linux?.namespaces ?? []).forEach(({ type, path }, i) => {
    const pointer = `/linux/namespaces/${i}`;
    // a type that nobody knows is the specification's to tell
    if (!NAMESPACE_TYPES.includes(type)) return;
    if (!hasNamespaceType(type)) report.error(`the kernel has no ${type} namespaces`, { pointer });
    else if (path && statOptional(path) === undefined) {
      report.error(`the namespace "${path}" is missing`, { pointer: `${pointer}/path` });
    }
  });
}

function checkRdt({ linux }: Spec, report: Report): void {
  if (linux?.intelRdt === undefined) return;
  try {
    checkedResctrl(linux.intelRdt, findResctrl());
  } catch (error) {
    if (!(error instanceof RunoError)) throw error;
    const { phrase, pointer = "/linux/intelRdt", hint } = error;
    report.error(phrase, { pointer, ...hint === undefined ? {} : { hint } });
  }
}

function checkSysctl({ linux }: Spec, report: Report): void {
  for (const name of Object.keys(linux?.sysctl ?? {})) {
    const path = `/proc/sys/${name.includes("/") ? name : name.replaceAll(".", "/")}`;
    if (statOptional(path) !== undefined) continue;
    const pointer = `/linux/sysctl/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    report.warn(`the kernel has no parameter "${name}"`, { pointer });
  }
}
