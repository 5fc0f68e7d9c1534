/** D-Bus through sd-bus of libsystemd, opened when it is first used: sd-bus(3). */

import { errnoName } from "./abi.ts";
import { allocate, cString } from "./memory.ts";

const LIBRARY = "libsystemd.so.0";

const SYMBOLS = {
  sd_bus_new: { parameters: ["buffer"], result: "i32" },
  sd_bus_set_address: { parameters: ["pointer", "buffer"], result: "i32" },
  sd_bus_set_bus_client: { parameters: ["pointer", "i32"], result: "i32" },
  sd_bus_start: { parameters: ["pointer"], result: "i32" },
  sd_bus_flush_close_unref: { parameters: ["pointer"], result: "pointer" },
  /** (bus, **message, destination, path, interface, member) */
  sd_bus_message_new_method_call: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  /** A string is passed as itself, everything else by its address. */
  sd_bus_message_append_basic: { parameters: ["pointer", "u8", "buffer"], result: "i32" },
  sd_bus_message_open_container: { parameters: ["pointer", "u8", "buffer"], result: "i32" },
  sd_bus_message_close_container: { parameters: ["pointer"], result: "i32" },
  sd_bus_message_enter_container: { parameters: ["pointer", "u8", "buffer"], result: "i32" },
  sd_bus_message_read_basic: { parameters: ["pointer", "u8", "buffer"], result: "i32" },
  sd_bus_message_is_signal: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  sd_bus_message_unref: { parameters: ["pointer"], result: "pointer" },
  /** (bus, message, microseconds, error, **reply) */
  sd_bus_call: { parameters: ["pointer", "pointer", "u64", "buffer", "buffer"], result: "i32" },
  sd_bus_error_free: { parameters: ["buffer"], result: "void" },
  /** (bus, **message): the next message that nobody else handles */
  sd_bus_process: { parameters: ["pointer", "buffer"], result: "i32" },
  sd_bus_wait: { parameters: ["pointer", "u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

let opened: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

function library(): Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] {
  try {
    return opened ??= Deno.dlopen(LIBRARY, SYMBOLS).symbols;
  } catch (error) {
    throw new BusError("opening", LIBRARY, error instanceof Error ? error.message : String(error));
  }
}

/** Something that D-Bus, or the other end of it, refused. */
export class BusError extends Error {
  override readonly name = "BusError";
  /** The function of sd-bus, or the method that was called. */
  readonly operation: string;
  /** Name of the D-Bus error ("org.freedesktop.systemd1.NoSuchUnit"), of an errno ("EACCES"), or of the library. */
  readonly reason: string;

  constructor(operation: string, reason: string, message: string) {
    super(`${operation}: ${message}`);
    this.operation = operation;
    this.reason = reason;
  }
}

/**
 * A value to be sent: numbers and strings for the basic types, a list for arrays, structures and dictionary entries,
 * [signature, value] for a variant.
 */
export type BusValue = string | number | bigint | boolean | readonly BusValue[];

/** A method of an object. */
export interface Method {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

/** A signal that arrived: the arguments, as strings and numbers. */
export type Arguments = readonly (string | number)[];

type Pointer = Deno.PointerValue;

/** Microseconds that an answer may take. */
const CALL_TIMEOUT = 25_000_000n;

/** A connection to a message bus, or to a peer that needs none. */
export class Bus implements Disposable {
  #bus: Pointer;

  /**
   * Connects.
   * @param address "unix:path=..."
   * @param options.peer whether there is no bus daemon at the other end
   * @throws {BusError}
   */
  constructor(address: string, { peer = false }: { peer?: boolean } = {}) {
    const bus = out((slot) => check("sd_bus_new", library().sd_bus_new(slot)));
    this.#bus = bus;
    try {
      check("sd_bus_set_address", library().sd_bus_set_address(bus, cString(address)));
      check("sd_bus_set_bus_client", library().sd_bus_set_bus_client(bus, peer ? 0 : 1));
      check("sd_bus_start", library().sd_bus_start(bus));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Calls a method.
   * @param signature D-Bus types of the arguments, one after the other
   * @param read types of the reply's first values, of the basic ones and "v" for a variant with a basic one in it
   * @throws {BusError} with the name of the error that the other end answered
   */
  call(method: Method, signature: string, args: readonly BusValue[], read = ""): Arguments {
    const { destination, path, interface: name, member } = method;
    using message = new Message(out((slot) =>
      check(
        "sd_bus_message_new_method_call",
        library().sd_bus_message_new_method_call(
          this.#bus,
          slot,
          cString(destination),
          cString(path),
          cString(name),
          cString(member),
        ),
      )
    ));
    splitTypes(signature).forEach((type, i) => message.append(type, args[i]!));
    using reply = this.#send(message, member);
    return reply.read(read);
  }

  #send(message: Message, member: string): Message {
    // sd_bus_error: two strings and a flag
    const error = new BigUint64Array(3), bytes = new Uint8Array(error.buffer);
    const reply = new BigUint64Array(1);
    const result = library().sd_bus_call(
      this.#bus,
      message.pointer,
      CALL_TIMEOUT,
      bytes,
      new Uint8Array(reply.buffer),
    );
    if (result >= 0) return new Message(Deno.UnsafePointer.create(reply[0]!));
    const failure = new BusError(member, text(error[0]!) || errnoName(-result), text(error[1]!) || errnoName(-result));
    library().sd_bus_error_free(bytes);
    throw failure;
  }

  /**
   * Waits for a signal that a match rule brings here.
   * @param accept looks at its arguments: true takes it
   * @param milliseconds how long to wait at most
   * @returns the arguments, or undefined when the time is up
   * @throws {BusError} when the connection is lost
   */
  signal(
    wanted: { readonly interface: string; readonly member: string; readonly types: string },
    accept: (args: Arguments) => boolean,
    milliseconds: number,
  ): Arguments | undefined {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const message = this.#next();
      if (message !== undefined) {
        using arrived = message;
        if (!arrived.isSignal(wanted.interface, wanted.member)) continue;
        const args = arrived.read(wanted.types);
        if (accept(args)) return args;
        continue;
      }
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      check("sd_bus_wait", library().sd_bus_wait(this.#bus, BigInt(Math.ceil(left * 1000))));
    }
  }

  /** The next message that is there; undefined when none is. */
  #next(): Message | undefined {
    for (;;) {
      const slot = new BigUint64Array(1);
      const progress = check("sd_bus_process", library().sd_bus_process(this.#bus, new Uint8Array(slot.buffer)));
      if (slot[0] !== 0n) return new Message(Deno.UnsafePointer.create(slot[0]!));
      if (progress === 0) return undefined;
    }
  }

  [Symbol.dispose](): void {
    if (this.#bus !== null) library().sd_bus_flush_close_unref(this.#bus);
    this.#bus = null;
  }
}

/** A message being written or read. */
class Message implements Disposable {
  readonly pointer: Pointer;

  constructor(pointer: Pointer) {
    this.pointer = pointer;
  }

  /** Appends a value of one complete type. */
  append(type: string, value: BusValue): void {
    const code = type.charCodeAt(0);
    if (type === "v") {
      const [inner, content] = value as readonly [string, BusValue];
      this.#container("v", inner, () => this.append(inner, content));
    } else if (type.startsWith("a")) {
      const element = type.slice(1);
      this.#container("a", element, () => {
        for (const item of value as readonly BusValue[]) this.append(element, item);
      });
    } else if (type.startsWith("(") || type.startsWith("{")) {
      const fields = type.slice(1, -1), items = value as readonly BusValue[];
      this.#container(type.startsWith("(") ? "r" : "e", fields, () => {
        splitTypes(fields).forEach((field, i) => this.append(field, items[i]!));
      });
    } else {
      const bytes = basic(type, value);
      check("sd_bus_message_append_basic", library().sd_bus_message_append_basic(this.pointer, code, bytes));
    }
  }

  #container(kind: string, contents: string, fill: () => void): void {
    const opening = library().sd_bus_message_open_container(this.pointer, kind.charCodeAt(0), cString(contents));
    check("sd_bus_message_open_container", opening);
    fill();
    check("sd_bus_message_close_container", library().sd_bus_message_close_container(this.pointer));
  }

  isSignal(name: string, member: string): boolean {
    return library().sd_bus_message_is_signal(this.pointer, cString(name), cString(member)) > 0;
  }

  /** The first values; "vs" reads a variant that holds a string. */
  read(types: string): (string | number)[] {
    const values: (string | number)[] = [];
    for (let i = 0; i < types.length; i++) {
      const code = types.charCodeAt(i);
      if (types[i] === "v") {
        const entering = library().sd_bus_message_enter_container(this.pointer, code, cString(types.slice(i + 1)));
        check("sd_bus_message_enter_container", entering);
        continue;
      }
      const slot = new BigUint64Array(1);
      const reading = library().sd_bus_message_read_basic(this.pointer, code, new Uint8Array(slot.buffer));
      check("sd_bus_message_read_basic", reading);
      values.push("sog".includes(types[i]!) ? text(slot[0]!) : Number(slot[0]!));
    }
    return values;
  }

  [Symbol.dispose](): void {
    library().sd_bus_message_unref(this.pointer);
  }
}

/** The complete types of a signature: "sa(sv)u" is "s", "a(sv)", "u". */
export function splitTypes(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = typeEnd(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function typeEnd(signature: string, at: number): number {
  const first = signature[at];
  if (first === "a") return typeEnd(signature, at + 1);
  if (first !== "(" && first !== "{") return at + 1;
  let end = at + 1;
  while (end < signature.length && signature[end] !== ")" && signature[end] !== "}") end = typeEnd(signature, end);
  return end + 1;
}

/** Bytes of a basic value as sd-bus takes them: a NUL-terminated string, or the value in the machine's order. */
function basic(type: string, value: BusValue): Uint8Array<ArrayBuffer> {
  if ("sog".includes(type)) return cString(String(value));
  const bytes = allocate(8), view = new DataView(bytes.buffer);
  if (type === "d") view.setFloat64(0, Number(value), true);
  else view.setBigUint64(0, BigInt.asUintN(64, BigInt(value as number | bigint | boolean)), true);
  return bytes;
}

function text(address: bigint): string {
  const pointer = Deno.UnsafePointer.create(address);
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

function out(make: (slot: Uint8Array<ArrayBuffer>) => void): Pointer {
  const slot = new BigUint64Array(1);
  make(new Uint8Array(slot.buffer));
  return Deno.UnsafePointer.create(slot[0]!);
}

/** sd-bus functions return a negative errno. */
function check(operation: string, result: number): number {
  if (result < 0) throw new BusError(operation, errnoName(-result), errnoName(-result));
  return result;
}
