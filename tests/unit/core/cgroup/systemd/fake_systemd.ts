/**
 * A systemd for tests, as a peer on a socket of its own: it speaks as much of the D-Bus protocol as sd-bus needs, answers
 * by a script, and tells which methods were called. It runs in a worker, since calls of sd-bus block.
 * D-Bus Specification, "Message Protocol"
 */

/** What becomes of a method: an error's name, or the job's result ("" for a job that never ends). */
export type Reply = { readonly error: string } | { readonly job: string } | Record<never, never>;

/** Replies by method, one after the other; the last one stays. */
export type Script = Readonly<Record<string, readonly Reply[]>>;

/** A fake systemd that listens. */
export class FakeSystemd implements Disposable {
  readonly directory: string = Deno.makeTempDirSync({ prefix: "runo-test-systemd-" });
  readonly #worker: Worker;

  private constructor() {
    Deno.mkdirSync(`${this.directory}/systemd`);
    this.#worker = new Worker(import.meta.url, { type: "module" });
  }

  static async start(script: Script): Promise<FakeSystemd> {
    const fake = new FakeSystemd();
    const ready = new Promise((resolve) => fake.#worker.onmessage = resolve);
    fake.#worker.postMessage({ socket: `${fake.directory}/systemd/private`, script });
    await ready;
    return fake;
  }

  /** The methods that were called so far, each with its first argument. */
  calls(): Promise<string[]> {
    return new Promise((resolve) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.postMessage("calls");
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

if (typeof scope.WorkerGlobalScope === "function" && scope instanceof scope.WorkerGlobalScope) {
  const calls: string[] = [];
  scope.onmessage = ({ data }: MessageEvent) => {
    if (data === "calls") scope.postMessage(calls);
    else serve(data.socket, data.script, calls);
  };
}

async function serve(socket: string, script: Script, calls: string[]): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path: socket });
  scope.postMessage("ready");
  const replies = new Map(Object.entries(script).map(([member, list]) => [member, [...list]]));
  for await (const connection of listener) converse(connection, replies, calls).catch(() => {});
}

async function converse(connection: Deno.Conn, replies: Map<string, Reply[]>, calls: string[]): Promise<void> {
  let bytes = new Uint8Array();
  const more = async () => {
    const chunk = new Uint8Array(65536);
    const length = await connection.read(chunk);
    if (length === null) throw new Error("closed");
    bytes = new Uint8Array([...bytes, ...chunk.subarray(0, length)]);
  };
  await authenticate(connection, more, () => bytes, (rest) => bytes = rest);
  for (let serial = 1;;) {
    while (bytes.length < 16 || bytes.length < messageLength(bytes)) await more();
    const length = messageLength(bytes), message = parse(bytes.subarray(0, length));
    bytes = bytes.slice(length);
    calls.push(`${message.member} ${message.argument}`);
    const list = replies.get(message.member) ?? [{}];
    const reply = list.length > 1 ? list.shift()! : list[0]!;
    const job = `/org/freedesktop/systemd1/job/${serial}`;
    if ("error" in reply) {
      await send(connection, serial++, 3, { 4: ["s", reply.error], 5: ["u", message.serial] }, ["s", ["no"]]);
    } else await send(connection, serial++, 2, { 5: ["u", message.serial] }, ["o", [job]]);
    if ("job" in reply && reply.job !== "") {
      const fields: Fields = {
        1: ["o", "/org/freedesktop/systemd1"],
        2: ["s", "org.freedesktop.systemd1.Manager"],
        3: ["s", "JobRemoved"],
      };
      await send(connection, serial++, 4, fields, ["uoss", [serial, job, message.argument, reply.job]]);
    }
  }
}

/** The lines of SASL, all answered with what sd-bus waits for. */
async function authenticate(
  connection: Deno.Conn,
  more: () => Promise<void>,
  bytes: () => Uint8Array<ArrayBuffer>,
  rest: (bytes: Uint8Array<ArrayBuffer>) => void,
): Promise<void> {
  const answers: Record<string, string> = {
    "\0AUTH EXTERNAL": "DATA",
    DATA: "OK 0123456789abcdef0123456789abcdef",
    NEGOTIATE_UNIX_FD: "AGREE_UNIX_FD",
  };
  for (;;) {
    const end = bytes().indexOf(10);
    if (end < 0) {
      await more();
      continue;
    }
    const line = new TextDecoder().decode(bytes().subarray(0, end)).trimEnd();
    rest(bytes().slice(end + 1));
    if (line === "BEGIN") return;
    const answer = line.startsWith("\0AUTH EXTERNAL ") ? answers.DATA : answers[line];
    await connection.write(new TextEncoder().encode(`${answer}\r\n`));
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function aligned(offset: number, to: number): number {
  return (offset + to - 1) & -to;
}

function messageLength(bytes: Uint8Array): number {
  return aligned(16 + view(bytes).getUint32(12, true), 8) + view(bytes).getUint32(4, true);
}

/** The serial, the member's name, and the first argument, a string. */
function parse(bytes: Uint8Array): { serial: number; member: string; argument: string } {
  const fieldsEnd = 16 + view(bytes).getUint32(12, true);
  const text = (at: number) => {
    const length = view(bytes).getUint32(at, true);
    return new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + length));
  };
  let member = "";
  for (let at = 16; at < fieldsEnd;) {
    at = aligned(at, 8);
    const code = bytes[at], type = String.fromCharCode(bytes[at + 2]!);
    at += 4;
    if (code === 3) member = text(at);
    at += type === "g" ? bytes[at]! + 2 : type === "u" ? 4 : view(bytes).getUint32(at, true) + 5;
  }
  return { serial: view(bytes).getUint32(8, true), member, argument: text(aligned(fieldsEnd, 8)) };
}

type Fields = Record<number, readonly [type: string, value: string | number]>;

/** Writes a message: 2 is a reply, 3 an error, 4 a signal. */
async function send(
  connection: Deno.Conn,
  serial: number,
  type: number,
  fields: Fields,
  [signature, values]: readonly [string, readonly (string | number)[]],
): Promise<void> {
  const header: number[] = [], body: number[] = [];
  for (const [code, [kind, value]] of Object.entries({ ...fields, 8: ["g", signature] as const })) {
    pad(header, 8);
    header.push(Number(code), 1, kind.charCodeAt(0), 0);
    append(header, kind, value);
  }
  [...signature].forEach((kind, i) => append(body, kind, values[i]!));
  const start = [108, type, 1, 1];
  for (const number of [body.length, serial, header.length]) append(start, "u", number);
  start.push(...header);
  pad(start, 8);
  await connection.write(new Uint8Array([...start, ...body]));
}

function pad(bytes: number[], to: number): void {
  while (bytes.length % to !== 0) bytes.push(0);
}

function append(bytes: number[], kind: string, value: string | number): void {
  const text = new TextEncoder().encode(String(value));
  if (kind === "g") {
    bytes.push(text.length, ...text, 0);
    return;
  }
  pad(bytes, 4);
  const number = kind === "u" ? Number(value) : text.length;
  bytes.push(number & 255, (number >> 8) & 255, (number >> 16) & 255, (number >> 24) & 255);
  if (kind !== "u") bytes.push(...text, 0);
}
