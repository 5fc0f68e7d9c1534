/** `restore`: the images of a checkpoint become a running container. */

import { create } from "@bufbuild/protobuf";
import { RunoError } from "../core/error.ts";
import type { Created } from "../core/host/create.ts";
import { createStateDir, removeStateDir } from "../core/host/container.ts";
import { lockContainer } from "../core/host/container_lock.ts";
import { inForeground } from "../core/host/foreground.ts";
import { prepare, type Prepared } from "../core/host/prepare.ts";
import { isNew } from "../core/plan/inputs.ts";
import { hasFreezing } from "./cgroup_image.ts";
import { SelfMover } from "./cgroup_moves.ts";
import { explained } from "./failure.ts";
import { needFeatures } from "./features.ts";
import { type CriuReq, CriuReqSchema, CriuReqType } from "./gen/rpc_pb.ts";
import {
  allowSearch,
  type Directories,
  logDirectory,
  makeDirectories,
  openDirectories,
  readDescriptors,
  removeMountpoints,
} from "./images.ts";
import { hasMountpoints } from "./mountpoints.ts";
import type { RestoreOptions } from "./options.ts";
import { configFile, describeOptions } from "./request.ts";
import { Restoration } from "./restoration.ts";
import { type ExternalNamespaces, openNamespaces, RESTORE_LOG, restoreOptions } from "./restore_request.ts";
import { warnRootless } from "./rootless.ts";
import { ask } from "./session.ts";
import { askForCriu, type Criu } from "./version.ts";

/**
 * Restores a container.
 * @returns 0 when detached, else the exit code of the container (128 + signal)
 * @throws {RunoError} and nothing is left behind, but for CRIU's log
 */
export async function restoreContainer(options: RestoreOptions): Promise<number> {
  warnRootless(options.warn);
  if (!options.detach) return await inForeground(options, { make: () => restoreDetached(options), begin: () => {} });
  await restoreDetached(options);
  return 0;
}

/** What is known before anything is made. */
interface Known {
  readonly options: RestoreOptions;
  readonly prepared: Prepared;
  readonly criu: Criu;
  readonly descriptors: readonly string[];
}

/** Restores a container and does not wait for it: its init is a child of this process. @throws {RunoError} */
export async function restoreDetached(options: RestoreOptions): Promise<Created> {
  using asked = askForCriu(options.criu);
  const prepared = await prepare(options);
  const criu = asked.criu();
  options.debug(`Using CRIU ${criu.version}`);
  makeDirectories(options, { images: false });
  const descriptors = readDescriptors(options.imagePath);
  if (isNew(prepared.spec, "user")) allowSearch(options.imagePath);
  checkFreezing(options);
  needFeatures(criu, options.lazyPages ? ["lazyPages"] : [], options.debug);
  const created = await locked(options, (dir) => restore(dir, { options, prepared, criu, descriptors }));
  // the container runs: what fails from here on does not undo it
  options.stats?.((await import("./stats.ts")).readStats(logDirectory(options), "restore"));
  options.restored?.();
  return created;
}

/** The images may be those of another runtime. */
function checkFreezing({ manageCgroupsMode, imagePath }: RestoreOptions): void {
  if (manageCgroupsMode !== "full" || !hasFreezing(imagePath)) return;
  throw new RunoError("the checkpoint is of a frozen cgroup: CRIU would freeze itself with it", {
    kind: "unsupported",
    hint: "--manage-cgroups-mode soft",
  });
}

/** Makes the container in a new state directory, which goes again when that fails. */
async function locked(options: RestoreOptions, make: (dir: string) => Promise<Created>): Promise<Created> {
  const dir = createStateDir(options.root, options.id);
  try {
    using _lock = lockContainer(dir);
    return await make(dir);
  } catch (error) {
    removeStateDir(dir);
    throw error;
  }
}

async function restore(dir: string, known: Known): Promise<Created> {
  const { options, prepared, criu } = known;
  const { inputs, rootfs, spec, cgroup } = prepared;
  const restoration = new Restoration(dir, known);
  using opened = new DisposableStack();
  const namespaces = opened.use(openNamespaces(restoration.config, criu, options.warn));
  const mover = opened.use(new SelfMover());
  const { yard } = restoration;
  const request = (pid: number) => {
    const directories = opened.use(openDirectories(options, `/proc/${pid}/root`));
    return restoreRequest(pid, known, { directories, namespaces, restoration });
  };
  try {
    restoration.begin();
    ask(criu.path, request, {
      notified: (notify, fd) => restoration.notified(notify, fd),
      files: namespaces.files,
      meanwhile: () => mover.move(),
      restore: {
        cgroup: cgroup.directories,
        enterCgroup: (pid) => cgroup.enter(pid),
        spec,
        bundle: options.bundle,
        rootfs,
        root: restoration.root,
        sources: inputs.facts.sources,
        mountpoints: hasMountpoints(spec, { rootfs, bundle: options.bundle }),
        ...yard === undefined ? {} : { yard },
      },
    });
    return restoration.finish();
  } catch (error) {
    await restoration.undo();
    removeMountpoints(logDirectory(options));
    const file = configFile(spec.annotations ?? {});
    throw explained(error, { dir: logDirectory(options), file: RESTORE_LOG, configFile: file }, options.debug);
  }
}

/** CRIU is in the container's cgroups by now: there is where it restores them. */
function restoreRequest(pid: number, known: Known, { directories, namespaces, restoration }: {
  readonly directories: Directories;
  readonly namespaces: ExternalNamespaces;
  readonly restoration: Restoration;
}): CriuReq {
  const { options, prepared } = known;
  const opts = restoreOptions(options, {
    ...known,
    config: restoration.config,
    annotations: prepared.spec.annotations ?? {},
    directories,
    namespaces,
    cgroups: prepared.cgroup.mounts,
    addedMounts: prepared.inputs.extraMounts,
    cgroupsOfCriu: Deno.readTextFileSync(`/proc/${pid}/cgroup`),
    root: restoration.root,
    yard: restoration.yard?.directory,
  });
  for (const line of describeOptions(opts)) options.debug(line);
  return create(CriuReqSchema, { type: CriuReqType.RESTORE, opts });
}
