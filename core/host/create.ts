/** `create`: from a bundle to an init that waits for `start`. */

import { spawn } from "../../ffi/spawn.ts";
import { duplicate, type Fd } from "../../ffi/fd.ts";
import { makeFifo, openPath, sealedFile } from "../../ffi/file.ts";
import { passCredentials, socketPair } from "../../ffi/socket.ts";
import { errnoOf, RunoError } from "../error.ts";
import { planCreate } from "../plan/create.ts";
import type { Program } from "../program/program.ts";
import { createStateDir, EXEC_FIFO, removeStateDir } from "./container.ts";
import { lockContainer } from "./container_lock.ts";
import { converse } from "./conversation.ts";
import { Creation, type Known, loadLate } from "./creation.ts";
import { rootOnHost } from "./idmap.ts";
import { MountNamespaces } from "./idmapped.ts";
import type { CreateOptions } from "./options.ts";
import { makeNotifyDirectory } from "./notify.ts";
import { prepare, type Prepared } from "./prepare.ts";

/** A created container: what a foreground `run` goes on with. */
export interface Created {
  readonly dir: string;
  readonly pid: number;
  /** The terminal's master, when nobody else took it. */
  readonly master: Fd | undefined;
}

/**
 * Creates a container.
 * @throws {RunoError} and nothing is left behind
 */
export async function createContainer(options: CreateOptions): Promise<Created> {
  const prepared = await prepare(options);
  const late = await loadLate(prepared.spec);
  options.debug?.("bundle read and checked");
  const dir = createStateDir(options.root, options.id);
  try {
    using _lock = lockContainer(dir);
    return create(dir, { options, prepared, late });
  } catch (error) {
    removeStateDir(dir);
    throw error;
  }
}

function create(dir: string, known: Known): Created {
  const { options, prepared } = known;
  const creation = new Creation(dir, known);
  try {
    creation.begin();
    options.debug?.("state directory and cgroup made");
    makeExecFifo(dir, prepared);
    if (options.notifySocket !== undefined) makeNotifyDirectory(dir);
    const { socket, program } = startInit(dir, options, prepared, creation);
    using conversation = socket;
    options.debug?.(`init started, its program has ${program.instructions.length} instructions`);
    converse(conversation, program, creation.answers());
    return creation.finish();
  } catch (error) {
    throw creation.undo(error);
  }
}

/** The FIFO that init waits on; root of a user namespace must be able to open it. */
function makeExecFifo(dir: string, { spec, ids }: Prepared): void {
  const path = `${dir}/${EXEC_FIFO}`;
  makeFifo(path, 0o622);
  // an ordinary user can give nothing away; the FIFO is there to be written to by anyone
  const owner = rootOnHost(spec, ids);
  if (owner !== undefined) chown(path, owner.uid, owner.gid);
}

function chown(path: string, uid: number, gid: number): void {
  try {
    Deno.chownSync(path, uid, gid);
  } catch (error) {
    throw new RunoError(`giving "${path}" to root of the user namespace`, {
      cause: error,
      hint: errnoOf(error) === "EINVAL"
        ? `id ${uid} or ${gid} is not mapped in the user namespace of the caller`
        : undefined,
    });
  }
}

/** Starts the process that becomes init. It inherits stdio, the descriptors to keep, the FIFO and the conversation. */
function startInit(
  dir: string,
  options: CreateOptions,
  prepared: Prepared,
  creation: Creation,
): { socket: Fd; program: Program } {
  const lowest = 3 + prepared.keepFds;
  const [ours, theirs] = socketPair();
  passCredentials(ours);
  using _theirs = theirs;
  using path = openPath(`${dir}/${EXEC_FIFO}`);
  // both for init alone: the copies are not close-on-exec, and closed here as soon as it is started
  using fifo = duplicate(path.number, lowest, true);
  using socket = duplicate(theirs.number, lowest, true);
  const { inputs, cgroup } = prepared;
  using idmaps = new MountNamespaces(inputs, lowest);
  const program = planCreate({
    ...inputs,
    // as it was made: without rights some of what was planned may be missing
    cgroup: cgroup.directories,
    facts: { ...inputs.facts, cgroups: cgroup.mounts },
    fifo: fifo.number,
    socket: socket.number,
    idmaps: idmaps.numbers,
  });
  using image = sealedFile("runo-init", program.image(socket.number));
  creation.spawned(spawn(`/proc/self/fd/${image.number}`, [options.argv0, "init"], []));
  return { socket: ours, program };
}
