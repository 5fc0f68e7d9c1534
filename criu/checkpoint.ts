/** `checkpoint`: a running container becomes images, and ends unless it is told to go on. */

import { create } from "@bufbuild/protobuf";
import { RunoError } from "../core/error.ts";
import { thawCgroup } from "../core/cgroup/freezer.ts";
import { recordedCgroup } from "../core/host/recorded_cgroup.ts";
import { type Container, containerStatus, isPaused, loadContainer } from "../core/host/container.ts";
import { lockContainer } from "../core/host/container_lock.ts";
import { destroy } from "../core/host/destroy.ts";
import { recordedAnnotations } from "../core/host/state_file.ts";
import { forgetFreezing } from "./cgroup_image.ts";
import { cgroupYard, LinkedYard } from "./cgroup_yard.ts";
import { DUMP_LOG, dumpOptions } from "./dump.ts";
import { explained } from "./failure.ts";
import { type Feature, needFeatures } from "./features.ts";
import { Holder } from "./frozen.ts";
import { type CriuNotify, CriuReqSchema, CriuReqType } from "./gen/rpc_pb.ts";
import {
  checkParentPath,
  type Directories,
  logDirectory,
  makeDirectories,
  openDirectories,
  writeDescriptors,
} from "./images.ts";
import type { CheckpointOptions } from "./options.ts";
import { outsiders } from "./outsiders.ts";
import { configFile, describeOptions } from "./request.ts";
import { warnRootless } from "./rootless.ts";
import { Question } from "./session.ts";
import { openStatusFile, type StatusFile } from "./status_fd.ts";
import { askForCriu, type Criu, SINCE } from "./version.ts";

/** In the state directory while the container is checkpointed and not restored. */
export const CHECKPOINT_MARK = "checkpoint";

/**
 * Checkpoints a container. Unless told otherwise the container is gone after that.
 * @throws {RunoError} and the container runs as before
 */
export async function checkpointContainer(options: CheckpointOptions): Promise<void> {
  warnRootless(options.warn);
  const { dir } = loadContainer(options.root, options.id);
  using _lock = lockContainer(dir);
  const container = loadContainer(options.root, options.id);
  checkStatus(container);
  using asked = askForCriu(options.criu);
  makeDirectories(options, { images: true });
  using directories = openDirectories(options);
  if (options.parentPath !== undefined) checkParentPath(options.imagePath, options.parentPath);
  warnOfOutsiders(container, options);
  const criu = asked.criu();
  options.debug(`Using CRIU ${criu.version}`);
  needFeatures(criu, neededFeatures(options), options.debug);
  using status = openStatusFile(options.lazyPages ? options.statusFd : undefined);
  dump({ container, options, criu, directories, status });
  options.stats?.((await import("./stats.ts")).readStats(logDirectory(options), "dump"));
  if (!options.leaveRunning && !options.preDump) await destroy(container, options.warn);
}

// the words are runc's
function checkStatus(container: Container): void {
  const status = containerStatus(container);
  if (status === "running" || status === "paused") return;
  throw new RunoError(`Container cannot be checkpointed in ${status} state`, { kind: "state" });
}

function neededFeatures({ preDump, lazyPages }: CheckpointOptions): Feature[] {
  return [...preDump ? ["memTrack" as const] : [], ...lazyPages ? ["lazyPages" as const] : []];
}

/** What is lost is told before it is: CRIU itself only mentions it in its log. */
function warnOfOutsiders(container: Container, { leaveRunning, preDump, warn }: CheckpointOptions): void {
  if (leaveRunning || preDump) return;
  const lost = outsiders(container);
  if (lost.length > 0) {
    warn(`processes ${lost.join(", ")} are no children of init and will not be restored (from exec?)`);
  }
}

interface Dump {
  readonly container: Container;
  readonly options: CheckpointOptions;
  readonly criu: Criu;
  readonly directories: Directories;
  readonly status: StatusFile;
}

function dump({ container, options, criu, directories, status }: Dump): void {
  const { preDump, imagePath, debug } = options;
  // a pre-dump is about memory alone
  const yard = preDump ? undefined : cgroupYard(container.dir, criu);
  const opts = dumpOptions(container, options, { directories, criu, statusFd: status.number, yard: yard?.directory });
  if (!preDump) writeDescriptors(imagePath, container.state.external_descriptors ?? []);
  for (const line of describeOptions(opts)) debug(line);
  const wasPaused = isPaused(container.state);
  using holder = opts.freezeCgroup === undefined || wasPaused
    ? undefined
    : new Holder(recordedCgroup(container.state), opts.freezeCgroup);
  const request = create(CriuReqSchema, { type: preDump ? CriuReqType.PRE_DUMP : CriuReqType.DUMP, opts });
  try {
    // CRIU freezes for a pre-dump without a notification before
    if (preDump) holder?.startGuard();
    using question = new Question(criu.path, request, {
      notified: (notify) => {
        // an older one has opened it for itself by now: who waits for its end must not wait for this process
        if (criu.version < SINCE.statusReady) status[Symbol.dispose]();
        // CRIU is about to freeze it itself
        if (notify.script === "pre-dump") holder?.freeze();
        if (notify.script === "post-dump") forgetFreezing(imagePath);
        notified(container, notify, status, debug);
      },
      files: holder === undefined ? [] : [holder.hold],
    });
    // while CRIU starts: a dump needs neither before it has notified for the first time
    if (!preDump) holder?.startGuard();
    using _yard = yard && new LinkedYard(yard);
    question.answer();
  } catch (error) {
    // a CRIU that was killed leaves behind what it had frozen
    if (!wasPaused && isPaused(container.state)) thawCgroup(recordedCgroup(container.state));
    const place = {
      dir: logDirectory(options),
      file: DUMP_LOG,
      configFile: configFile(recordedAnnotations(container.state)),
    };
    throw explained(error, place, debug);
  }
}

function notified(
  { dir }: Container,
  { script }: CriuNotify,
  status: StatusFile,
  debug: (message: string) => void,
): void {
  debug(`notify: ${script}`);
  if (script === "post-dump") Deno.writeTextFileSync(`${dir}/${CHECKPOINT_MARK}`, "");
  if (script === "status-ready") status.ready();
}
