/** Pieces of data that programs share: tables of strings, words, messages with a descriptor. */

import { SCM_RIGHTS, SOL_SOCKET } from "../../ffi/abi.ts";
import { CMSG_FD, IOVEC, MSGHDR } from "../../ffi/structs.ts";
import { Data, Within } from "./assembly.ts";

/** A NULL-terminated table of strings: argv, envp. An entry may also be data that the program fills in. */
export function table(strings: readonly (string | Data)[]): Data {
  return new Data(new Uint8Array(8 * (strings.length + 1)), {
    pointers: strings.map((text, i) => [8 * i, text] as const),
    text: JSON.stringify(strings.map((entry) => entry instanceof Data ? entry.text : entry)),
  });
}

/** 32-bit words. */
export function words(values: readonly number[], text?: string): Data {
  return new Data(new Uint8Array(Uint32Array.from(values).buffer), text === undefined ? {} : { text });
}

/** A message of sendmsg(2) that carries one descriptor; the program stores its number into `slot` first. */
export function fdMessage(content: Data): { header: Data; slot: Within; content: Data } {
  const iov = new Data(IOVEC.pack({ len: content.bytes.length }), { pointers: [[IOVEC.offset("base"), content]] });
  const control = new Data(CMSG_FD.pack({ len: CMSG_FD.offset("fd") + 4, level: SOL_SOCKET, type: SCM_RIGHTS }), {
    text: "message",
  });
  const header = new Data(MSGHDR.pack({ iovlen: 1, controllen: CMSG_FD.size }), {
    pointers: [[MSGHDR.offset("iov"), iov], [MSGHDR.offset("control"), control]],
    text: content.text ?? "message",
  });
  return { header, slot: new Within(control, CMSG_FD.offset("fd")), content };
}
