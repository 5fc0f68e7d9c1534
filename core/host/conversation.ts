/**
 * The conversation of the host with the process that becomes init, over one SOCK_SEQPACKET pair.
 *
 * | init asks              | sent by | the host does                                          | and answers   |
 * |------------------------|---------|--------------------------------------------------------|---------------|
 * | idmap                  | parent  | writes uid_map, gid_map, setgroups (or the mapping tools) | a byte     |
 * | cgroup                 | either  | has systemd make the unit, with this process in it     | a byte        |
 * | netDevices        (fd) | init    | moves network devices into init's network namespace    | a byte        |
 * | mountpoint (fd, number) | init   | makes a mount point behind a link that leads nowhere   | a byte        |
 * | mapIds     (fd, number) | init   | maps the ids of a mount that init may not map          | a byte        |
 * | mode              (fd) | init    | looks at the directory that a tmpfs is about to hide   | "0755\0"      |
 * | copyFrom, copyTo  (fd) | init    | copies what a tmpfs is about to hide into it           | a byte        |
 * | console           (fd) | init    | hands the terminal to its receiver                     | a byte        |
 * | createRuntimeHooks     | init    | runs the prestart and createRuntime hooks              | a byte        |
 * | createContainerHooks   | init    | runs the createContainer hooks in init's namespaces    | a byte        |
 * | home              (fd) | init    | finds the home directory in the passwd file            | "HOME=...\0"  |
 * | rlimits                | init    | sets the rlimits of init                               | a byte        |
 * | seccomp       (number) | init    | hands the listener of init's filter to the agent       | a byte        |
 * | ready                  | init    | writes state.json and the pid file                     | a byte        |
 *
 * "parent" is the process that was spawned, "init" its child, where a pid or time namespace makes one necessary.
 * A step that fails sends {failed, step, errno} and ends. The end of either side ends the other: init's next ask meets EOF.
 */

import { errnoName } from "../../ffi/abi.ts";
import type { Fd } from "../../ffi/fd.ts";
import { receive, send } from "../../ffi/socket.ts";
import { errnoOf, RunoError } from "../error.ts";
import { type AskName, askName } from "../plan/asks.ts";
import type { Program } from "../program/program.ts";
import { MESSAGE } from "../program/image.ts";

/** An ask that arrived. */
export interface Ask {
  /** The asking process, as the host sees it. */
  readonly pid: number;
  /** What came with it; closed after the answer unless it is released. */
  readonly fd: Fd | undefined;
  /** The number that came with it. */
  readonly number: number | undefined;
}

/** What the host does for each ask; the bytes it returns are the answer. */
export type Answers = { readonly [name in AskName]?: (ask: Ask) => Uint8Array<ArrayBuffer> | void } & {
  /** Takes note of the process that asks, before its ask is answered, and of one that failed. */
  readonly asker: (pid: number) => void;
  /** Takes note of what has been done. */
  readonly debug?: ((message: string) => void) | undefined;
};

const MESSAGE_BYTES = 4096;
const PLAIN_ANSWER = Uint8Array.of(1);

/**
 * Answers until `ready` has been.
 * @throws {RunoError} when a step failed, when an answer threw, or when init went away
 */
export function converse(socket: Fd, program: Program, answers: Answers): void {
  const kernelLog: string[] = [];
  for (;;) {
    const message = receive(socket, MESSAGE_BYTES);
    using fd = message.fd;
    if (message.bytes.length === 0) throw new RunoError("container init ended before it was ready");
    const words = new DataView(message.bytes.buffer);
    const kind = words.getUint32(0, true);
    if (kind === MESSAGE.FAILED) {
      // it has ended, and who does not know it cannot reap it
      answers.asker(message.pid);
      throw stepError(program, words.getUint32(4, true), words.getUint32(8, true), kernelLog);
    }
    if (kind === MESSAGE.LOG) {
      kernelLog.push(new TextDecoder().decode(message.bytes.subarray(4)).trim().replace(/^[ew] /, ""));
      continue;
    }
    const code = words.getUint32(4, true);
    if (code === 0) {
      answers.asker(message.pid);
      continue;
    }
    const name = askName(code);
    const answer = name === undefined ? undefined : answers[name];
    if (name === undefined || answer === undefined) {
      throw new RunoError(`container init asks for "${name ?? "nothing known"}"`);
    }
    answers.asker(message.pid);
    const heard = reply(socket, answer({ pid: message.pid, fd, number: numberOf(words) }) ?? PLAIN_ANSWER);
    answers.debug?.(`asked by process ${message.pid} and answered: ${name}`);
    if (heard && name === "ready") return;
  }
}

/**
 * Waits until the program has executed another one: after its last ask the end of the conversation means that it has.
 * @throws {RunoError} when it could not
 */
export function awaitExecution(socket: Fd, program: Program): void {
  const { bytes } = receive(socket, MESSAGE_BYTES);
  if (bytes.length === 0) return;
  const words = new DataView(bytes.buffer);
  if (words.getUint32(0, true) !== MESSAGE.FAILED) return;
  throw stepError(program, words.getUint32(4, true), words.getUint32(8, true), []);
}

function numberOf(words: DataView): number | undefined {
  const at = 8;
  return words.byteLength < at + 4 ? undefined : words.getInt32(at, true);
}

/** Sends an answer; false for one who has ended: why is told by what it sent before, or by the end of the conversation. */
function reply(socket: Fd, bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    send(socket, bytes);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EPIPE") return false;
    throw error;
  }
}

/** The error of the step that reported it: its words are on this side. */
export function stepError(program: Program, index: number, errno: number, kernelLog: readonly string[]): RunoError {
  const instruction = program.instructions[index];
  if (instruction === undefined) return new RunoError(`container init failed at an unknown step ${index}`);
  const { step, operation } = instruction;
  if (errno === 0) return new RunoError(`${step.phrase}: the host went away`);
  const name = errnoName(errno);
  const sentence = (step.sentences as Record<string, string> | undefined)?.[name];
  const facts = { step: step.phrase, syscall: operation, errno: name, pointer: step.pointer };
  if (sentence !== undefined) return new RunoError(sentence, facts);
  const hint = (step.hints as Record<string, string> | undefined)?.[name];
  const remarks = [...kernelLog, ...hint ? [hint] : [], ...step.pointer ? [`config.json ${step.pointer}`] : []];
  return new RunoError(`${step.phrase}: ${operation}: ${name}`, {
    ...facts,
    hint: remarks.length === 0 ? undefined : remarks.join("; "),
  });
}
