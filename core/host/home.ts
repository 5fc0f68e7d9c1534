/** The home directory of a user, from the container's own passwd file. passwd(5) */

import { S_IFREG } from "../../ffi/abi.ts";
import { SyscallError } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { readUpTo, statFd } from "../../ffi/file.ts";
import { HOME_BYTES } from "../plan/asks.ts";

const S_IFMT = 0o170000;
const PASSWD_LIMIT = 1 << 20;

/** The answer to the ask `home`: "HOME=<directory>" with its NUL. The file is the container's, so nothing in it is trusted. */
export function homeVariable(passwd: Fd, uid: number): Uint8Array<ArrayBuffer> {
  const answer = new Uint8Array(HOME_BYTES);
  const home = lookUp(passwd, uid) ?? "/";
  const text = new TextEncoder().encode(`HOME=${home}`);
  answer.set(text.length < HOME_BYTES ? text : new TextEncoder().encode("HOME=/"));
  return answer;
}

function lookUp(passwd: Fd, uid: number): string | undefined {
  const { mode, size } = statFd(passwd.number);
  if ((mode & S_IFMT) !== S_IFREG || size > PASSWD_LIMIT) return undefined;
  try {
    // by this descriptor, which does not block: opening it anew could
    return homeOf(new TextDecoder().decode(readUpTo(passwd.number, Number(size))), uid);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** The sixth field of the first line whose third field is the uid. */
export function homeOf(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split("\n")) {
    const fields = line.split(":");
    if (fields.length >= 6 && fields[2] === String(uid)) return fields[5] || undefined;
  }
  return undefined;
}
