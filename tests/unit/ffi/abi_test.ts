import { assert, assertEquals } from "@std/assert";

import * as abi from "../../../ffi/abi.ts";
import { CAPABILITIES, ERRNO, errnoName, RLIMITS, SYSCALLS } from "../../../ffi/abi.ts";

/** Kernel headers, of Debian's linux-libc-dev. */
const HEADERS = "/usr/include";
const MULTIARCH = `${HEADERS}/x86_64-linux-gnu`;

function missing(...files: readonly string[]): string | undefined {
  const absent = files.find((file) => {
    try {
      return !Deno.statSync(file).isFile;
    } catch {
      return true;
    }
  });
  return absent === undefined ? undefined : `no ${absent} (apt-get install linux-libc-dev)`;
}

function headerTest(name: string, files: readonly string[], run: () => void): void {
  const reason = missing(...files);
  Deno.test({
    name: reason === undefined ? name : `${name} (skipped: ${reason})`,
    ignore: reason !== undefined,
    fn: run,
  });
}

/** The constants that headers define as a plain number: name to value. */
function defined(...files: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of files) {
    for (
      const [, name, value] of Deno.readTextFileSync(file).matchAll(/^#\s*define\s+(\w+)\s+(0x[\da-fA-F]+|\d+)U?L?\b/gm)
    ) {
      // a leading 0 is octal in C
      const number = /^0\d/.test(value!) ? Number.parseInt(value!, 8) : Number(value);
      if (!found.has(name!)) found.set(name!, number);
    }
  }
  return found;
}

const X86_64 = `${MULTIARCH}/asm/unistd_64.h`, GENERIC = `${HEADERS}/asm-generic/unistd.h`;

headerTest("SYSCALLS has the numbers of both architectures", [X86_64, GENERIC], () => {
  const x86_64 = defined(X86_64), generic = defined(GENERIC);
  const other: Readonly<Record<string, string>> = { fcntl: "3264", lseek: "3264", ftruncate: "3264", fstatfs: "3264" };
  for (const [name, numbers] of Object.entries(SYSCALLS)) {
    const key = name in other ? `__NR3264_${name}` : `__NR_${name}`;
    assertEquals([...numbers], [x86_64.get(`__NR_${name}`), generic.get(key)], name);
  }
});

const ERRNO_HEADERS = [`${HEADERS}/asm-generic/errno-base.h`, `${HEADERS}/asm-generic/errno.h`];

headerTest("ERRNO has the kernel's numbers", ERRNO_HEADERS, () => {
  const numbers = defined(...ERRNO_HEADERS);
  for (const [name, number] of Object.entries(ERRNO)) assertEquals(number, numbers.get(name), name);
});

const CONSTANT_HEADERS = [
  "linux/capability.h",
  "linux/close_range.h",
  "linux/fcntl.h",
  "asm-generic/fcntl.h",
  "asm-generic/ioctls.h",
  "linux/keyctl.h",
  "linux/memfd.h",
  "linux/mount.h",
  "linux/openat2.h",
  "linux/prctl.h",
  "linux/sched.h",
  "linux/seccomp.h",
  "linux/sockios.h",
  "linux/stat.h",
  "asm-generic/poll.h",
  "asm-generic/resource.h",
  "asm-generic/signal.h",
].map((file) => `${HEADERS}/${file}`);

headerTest("constants have the values of the kernel's headers", CONSTANT_HEADERS, () => {
  const values = defined(...CONSTANT_HEADERS);
  const known = Object.entries(abi).filter(([name, value]) => typeof value === "number" && values.has(name));
  for (const [name, value] of known) assertEquals(value, values.get(name), name);
  assert(known.length > 80, `only ${known.length} of them are in the headers`);
  for (const [name, value] of Object.entries(RLIMITS)) {
    if (values.has(name)) assertEquals(value, values.get(name), name);
  }
  CAPABILITIES.forEach((name, number) => assertEquals(number, values.get(name), name));
});

Deno.test("errnoName() names what it knows and numbers the rest", () => {
  assertEquals([errnoName(1), errnoName(127), errnoName(4000)], ["EPERM", "EKEYEXPIRED", "errno 4000"]);
});
