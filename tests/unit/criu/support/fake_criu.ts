/**
 * A program that calls itself CRIU: it answers requests as a test tells it to, and writes down what it was asked. It shows
 * what runo makes of old versions, of answers that lack something, and of a CRIU that dies.
 */

import { fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";

import { CriuReqSchema, CriuReqType, CriuRespSchema } from "../../../../criu/gen/rpc_pb.ts";
import { Fd } from "../../../../ffi/fd.ts";
import { receive, send } from "../../../../ffi/socket.ts";

/** What to do when asked: responses one after the other, or to end without one. */
export type Answer = readonly JsonObject[] | { readonly exit: number; readonly say?: string } | {
  readonly signal: string;
};

/** How the program behaves. */
export interface Behaviour {
  /** By the type of the request: VERSION, DUMP ... */
  readonly answers: Readonly<Record<string, Answer>>;
  /** What -V prints. */
  readonly printed?: string;
}

/** A request as it came. */
export interface Asked {
  readonly args: readonly string[];
  /** The bytes in hexadecimal. */
  readonly bytes: string;
  readonly request: JsonObject;
}

/** The program, made in a directory of its own. */
export class FakeCriu implements Disposable {
  readonly dir: string = Deno.makeTempDirSync({ prefix: "runo-fake-criu-" });
  readonly path: string = `${this.dir}/criu`;

  constructor(behaviour: Behaviour) {
    Deno.writeTextFileSync(`${this.dir}/behaviour`, JSON.stringify(behaviour));
    const self = new URL(import.meta.url).pathname;
    const config = new URL("../../../../deno.json", import.meta.url).pathname;
    const deno = `"${Deno.execPath()}" run --quiet --allow-all --config "${config}" "${self}"`;
    Deno.writeTextFileSync(this.path, `#!/bin/sh\nexec ${deno} "${this.dir}" "$@"\n`, { mode: 0o755 });
  }

  /** What it was asked, and how it was called when it was not asked anything. */
  asked(): Asked[] {
    try {
      const text = Deno.readTextFileSync(`${this.dir}/asked`);
      return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }
}

function main([dir = "", ...args]: readonly string[]): void {
  const behaviour: Behaviour = JSON.parse(Deno.readTextFileSync(`${dir}/behaviour`));
  const note = (asked: Asked) => Deno.writeTextFileSync(`${dir}/asked`, `${JSON.stringify(asked)}\n`, { append: true });
  if (args[0] === "-V") {
    note({ args, bytes: "", request: {} });
    console.log(behaviour.printed ?? "");
    return;
  }
  const socket = new Fd(Number(args[1]));
  const { bytes } = receive(socket, 65536);
  const request = fromBinary(CriuReqSchema, bytes);
  note({ args, bytes: bytes.toHex(), request: toJson(CriuReqSchema, request) as JsonObject });
  give(socket, behaviour.answers[CriuReqType[request.type]] ?? { exit: 1 });
}

function give(socket: Fd, answer: Answer): void {
  if ("signal" in answer) {
    Deno.kill(Deno.pid, answer.signal as Deno.Signal);
    return;
  }
  if ("exit" in answer) {
    console.error(answer.say ?? "");
    Deno.exit(answer.exit);
  }
  for (const json of answer) {
    const response = fromJson(CriuRespSchema, json);
    send(socket, toBinary(CriuRespSchema, response) as Uint8Array<ArrayBuffer>);
    if (response.type === CriuReqType.NOTIFY) receive(socket, 65536);
  }
}

if (import.meta.main) main(Deno.args);
