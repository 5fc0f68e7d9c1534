/**
 * The conversation with `criu swrk 3`: one request, then whatever CRIU reports on its way, then the response.
 *
 * | CRIU says               | runo does                                    | and answers                    |
 * |-------------------------|----------------------------------------------|--------------------------------|
 * | NOTIFY script, pid (fd) | what the caller's `notified` does            | NOTIFY notify_success          |
 * | the same, and it throws | keeps the error, lets CRIU take all back     | NOTIFY notify_success = false  |
 * | response, success       | hands it to the caller                       |                                |
 * | response, no success    | throws the error kept, or what CRIU says     |                                |
 * | nothing, and has ended  | throws: nobody waits for a dead CRIU         |                                |
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { errnoName, POLLIN } from "../ffi/abi.ts";
import type { Fd } from "../ffi/fd.ts";
import { receive, send, socketPair } from "../ffi/socket.ts";
import { type ExitStatus, poll } from "../ffi/spawn.ts";
import { errnoOf, RunoError } from "../core/error.ts";
import {
  type CriuNotify,
  type CriuReq,
  CriuReqSchema,
  CriuReqType,
  type CriuResp,
  CriuRespSchema,
} from "./gen/rpc_pb.ts";
import { type CriuProcess, type Restore, startCriu } from "./process.ts";

/** CRIU's own messages are at most this long. */
const MESSAGE_BYTES = 64 * 1024;

const MEANWHILE_MS = 4;
const MEANWHILE_TURNS = 40;

/** What CRIU reports while it works; `fd` came with the report and is closed after it unless released. */
export type Notified = (notify: CriuNotify, fd: Fd | undefined) => void;

/** What a conversation may need beside its request. */
export interface SessionOptions {
  readonly notified?: Notified;
  /** Descriptors that CRIU knows as 4 and following. */
  readonly files?: readonly Fd[];
  readonly restore?: Restore;
  /** Called every few milliseconds until CRIU reports for the first time, a few dozen times at most. */
  readonly meanwhile?: () => void;
}

/** CRIU said no, or went away. */
export class CriuError extends RunoError {
  /** "DUMP", "RESTORE" ... */
  readonly type: string;
  readonly errmsg: string;

  constructor(phrase: string, { type, errmsg }: { readonly type: string; readonly errmsg?: string }) {
    super(phrase, errmsg ? { cause: errmsg } : {});
    this.type = type;
    this.errmsg = errmsg ?? "";
  }
}

/**
 * Asks CRIU one thing, in a process of its own. A request may depend on that process, by its pid.
 * @throws {CriuError} when CRIU fails or ends without an answer
 * @throws {RunoError} when it cannot be executed, and whatever `notified` throws
 */
export function ask(
  path: string,
  request: CriuReq | ((pid: number) => CriuReq),
  options: SessionOptions = {},
): CriuResp {
  using question = new Question(path, request, options);
  return question.answer();
}

/** A request that has been made and not been answered yet: CRIU works on it. Disposing ends CRIU. */
export class Question implements Disposable {
  readonly #socket: Fd;
  readonly #process: CriuProcess;
  readonly #type: CriuReqType;
  readonly #notified: Notified | undefined;
  readonly #meanwhile: (() => void) | undefined;

  /** Throws as `ask()`, but for what the answer says. */
  constructor(path: string, request: CriuReq | ((pid: number) => CriuReq), options: SessionOptions = {}) {
    const [ours, theirs] = socketPair();
    this.#socket = ours;
    this.#process = start(path, theirs, options);
    this.#notified = options.notified;
    this.#meanwhile = options.meanwhile;
    try {
      const whole = typeof request === "function" ? request(this.#process.pid) : request;
      this.#type = whole.type;
      tell(ours, whole);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Waits for the answer, and for the end of CRIU. Throws as `ask()`. */
  answer(): CriuResp {
    const socket = this.#socket, process = this.#process, type = CriuReqType[this.#type];
    if (this.#meanwhile !== undefined) spendTime(socket, this.#meanwhile);
    const response = converse({ socket, process, type }, this.#notified);
    // the end of the connection ends CRIU where it waits for more: after a pre-dump, that is a failure to it
    socket[Symbol.dispose]();
    const status = process.wait();
    if (this.#type !== CriuReqType.PRE_DUMP && !isSuccess(status)) {
      throw new CriuError(`criu failed: ${ending(status)}`, { type, errmsg: process.said() });
    }
    return response;
  }

  /** CRIU goes before the connection to it: of the end of that it would complain on the caller's stderr. */
  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
    this.#socket[Symbol.dispose]();
  }
}

function start(path: string, theirs: Fd, { files = [], restore }: SessionOptions): CriuProcess {
  using end = theirs;
  return startCriu({ path, args: ["swrk", "3"], files: [end, ...files], ...restore === undefined ? {} : { restore } });
}

function spendTime(socket: Fd, meanwhile: () => void): void {
  for (let turn = 0; turn < MEANWHILE_TURNS && poll([[socket.number, POLLIN]], MEANWHILE_MS)[0] === 0; turn++) {
    meanwhile();
  }
}

interface Conversation {
  readonly socket: Fd;
  readonly process: CriuProcess;
  /** Of the request. */
  readonly type: string;
}

function converse(conversation: Conversation, notified: Notified | undefined): CriuResp {
  const { socket, type } = conversation;
  let failure: unknown;
  for (;;) {
    const message = next(conversation);
    using fd = message.fd;
    if (message.bytes.length === 0) throw cause(failure, died(conversation));
    const response = fromBinary(CriuRespSchema, message.bytes);
    if (!response.success) throw cause(failure, refused(response, type));
    if (response.type !== CriuReqType.NOTIFY) return response;
    try {
      if (response.notify !== undefined && failure === undefined) notified?.(response.notify, fd);
    } catch (error) {
      failure = error;
    }
    reply(socket, failure === undefined);
  }
}

/** What was behind a failure: that a process has gone which CRIU had named is a result of what befell CRIU, not its cause. */
function cause(failure: unknown, criu: CriuError): unknown {
  return failure === undefined || errnoOf(failure) === "ESRCH" ? criu : failure;
}

/** The next message; one without bytes when CRIU has ended, even if a child of it still holds the other end. */
function next({ socket, process }: Conversation): ReturnType<typeof receive> {
  const [ready = 0] = poll([[socket.number, POLLIN], [process.pidfd.number, POLLIN]], -1);
  if (ready === 0 && poll([[socket.number, POLLIN]], 0)[0] === 0) return END;
  const message = receiveOrEnd(socket);
  if (message.bytes.length === MESSAGE_BYTES) throw new RunoError("criu sends more than is expected of it");
  return message;
}

/** An end with something left unread is ECONNRESET. */
function receiveOrEnd(socket: Fd): ReturnType<typeof receive> {
  try {
    return receive(socket, MESSAGE_BYTES);
  } catch (error) {
    if (errnoOf(error) !== "ECONNRESET") throw error;
    return END;
  }
}

const END = { bytes: new Uint8Array(0), pid: 0, fd: undefined } as const;

function reply(socket: Fd, success: boolean): void {
  tell(socket, create(CriuReqSchema, { type: CriuReqType.NOTIFY, notifySuccess: success }));
}

/** To a CRIU that has ended nothing can be told: the next read says so. */
function tell(socket: Fd, request: CriuReq): void {
  try {
    send(socket, toBinary(CriuReqSchema, request) as Uint8Array<ArrayBuffer>);
  } catch (error) {
    if (errnoOf(error) !== "EPIPE" && errnoOf(error) !== "ECONNRESET") {
      throw new RunoError("asking criu", { cause: error });
    }
  }
}

function refused({ type, crErrno, crErrmsg }: CriuResp, asked: string): CriuError {
  const name = errnoName(crErrno);
  const errno = name.startsWith("E") ? `${crErrno} (${name})` : String(crErrno);
  // the words are runc's, up to the number
  return new CriuError(`criu failed: type ${CriuReqType[type] ?? asked} errno ${errno}`, {
    type: asked,
    errmsg: crErrmsg,
  });
}

function died({ process, type }: Conversation): CriuError {
  return new CriuError(`criu failed: type ${type}: it went away (${ending(process.end())})`, {
    type,
    errmsg: process.said(),
  });
}

function isSuccess(status: ExitStatus): boolean {
  return "code" in status && status.code === 0;
}

function ending(status: ExitStatus): string {
  return "code" in status ? `exit status ${status.code}` : `signal: ${status.signal}`;
}
