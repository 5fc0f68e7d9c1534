/** The descriptors that Deno has when it has started: of its event loop and its signals, and copies of the first three. */

import { RunoError } from "../../../core/error.ts";
import { AF_UNIX, F_DUPFD_CLOEXEC, O_CLOEXEC, SOCK_STREAM } from "../../../ffi/abi.ts";
import type { Descriptor } from "./freeze.ts";
import { FIRST_DESCRIPTOR, SCRATCH } from "./places.ts";
import { type Program, Register } from "./program.ts";

const EPOLL_CTL_ADD = 1, O_ACCMODE = 3;
/** struct epoll_event, packed. */
const EPOLL_EVENT_BYTES = 12;
const MADE = new Register(5), RESULT = new Register(6);

/** Makes all from FIRST_DESCRIPTOR on. @throws {RunoError} on one of another kind */
export function makeDescriptors(program: Program, descriptors: readonly Descriptor[]): void {
  const standard = descriptors.slice(0, 3).map(({ link }) => link), made = new Map<string, number>();
  const makers: Readonly<Record<string, (descriptor: Descriptor) => void>> = {
    "anon_inode:[eventpoll]": () => program.callInto(MADE, "epoll_create1", O_CLOEXEC),
    "anon_inode:[eventfd]": ({ info }) => program.callInto(MADE, "eventfd2", countOf(info), flagsOf(info)),
    socket: ({ info }) => {
      const sockets = [...made.keys()].filter((link) => link.startsWith("socket:")).length;
      if (sockets > 1) throw new RunoError("freezing: there are more sockets than a pair");
      if (sockets === 0) program.call("socketpair", AF_UNIX, SOCK_STREAM | flagsOf(info), 0, SCRATCH);
      program.callInto(MADE, "load32", SCRATCH + 4 * sockets);
    },
  };
  for (const descriptor of descriptors.filter(({ number }) => number >= FIRST_DESCRIPTOR)) {
    const { number, link } = descriptor, make = makers[link.replace(/^socket:.*/, "socket")];
    const original = standard.includes(link) ? standard.indexOf(link) : made.get(link);
    if (original !== undefined) {
      copy(program, original, number);
      continue;
    }
    if (make === undefined) throw new RunoError(`freezing: descriptor ${number} is "${link}"`);
    make(descriptor);
    place(program, number);
    made.set(link, number);
  }
  watch(program, descriptors.find(({ number }) => number === made.get("anon_inode:[eventpoll]")));
}

/** What an epoll descriptor watches. */
function watch(program: Program, poll: Descriptor | undefined): void {
  const watched = /tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/g;
  for (const [, fd, events, data] of poll?.info.matchAll(watched) ?? []) {
    const event = new Uint8Array(EPOLL_EVENT_BYTES), view = new DataView(event.buffer);
    view.setUint32(0, Number.parseInt(events!, 16), true);
    view.setBigUint64(4, BigInt(`0x${data}`), true);
    program.call("epoll_ctl", poll!.number, EPOLL_CTL_ADD, Number(fd), event);
  }
}

function flagsOf(info: string): number {
  return Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)![1]!, 8) & ~O_ACCMODE;
}

function countOf(info: string): number {
  return Number.parseInt(/^eventfd-count:\s*([0-9a-f]+)/m.exec(info)![1]!, 16);
}

/** The file that was made becomes this descriptor, which nobody may have yet. */
function place(program: Program, fd: number): void {
  copy(program, MADE, fd);
  program.call("close", MADE);
}

function copy(program: Program, from: number | Register, fd: number): void {
  program.callInto(RESULT, "fcntl", from, F_DUPFD_CLOEXEC, fd);
  program.require(RESULT, fd);
}
