import { assertEquals } from "@std/assert";

import * as abi from "../../../../ffi/abi.ts";
import { isBind, parseOptions } from "../../../../core/plan/mount_options.ts";

Deno.test("parseOptions() sorts options by what the kernel is told where", () => {
  const { attributes, recursive, propagation, flags, data, ...words } = parseOptions([
    ...["rbind", "ro", "nosuid", "rro", "rnoexec", "sync", "dirsync", "rslave", "shared", "size=64k", "newinstance"],
  ]);
  assertEquals(attributes, abi.MOUNT_ATTR_RDONLY | abi.MOUNT_ATTR_NOSUID);
  assertEquals(recursive.set, abi.MOUNT_ATTR_RDONLY | abi.MOUNT_ATTR_NOEXEC);
  assertEquals(propagation, [abi.MS_SLAVE | abi.MS_REC, abi.MS_SHARED]);
  assertEquals([flags, data], [["sync", "dirsync"], ["size=64k", "newinstance"]]);
  assertEquals([words.bind, words.recursiveBind, words.remount, words.copyUp], [true, true, false, false]);
});

const attributesOf = (...options: string[]) => parseOptions(options).attributes;

Deno.test("parseOptions() lets the later of two that contradict each other count", () => {
  assertEquals([attributesOf("ro", "rw"), attributesOf("rw", "ro")], [0, abi.MOUNT_ATTR_RDONLY]);
  assertEquals(attributesOf("noexec", "exec", "noexec"), abi.MOUNT_ATTR_NOEXEC);
});

Deno.test("parseOptions() lets strictatime win over other access times, as mount(2) does", () => {
  assertEquals(attributesOf("noatime"), abi.MOUNT_ATTR_NOATIME);
  assertEquals(attributesOf("noatime", "strictatime"), abi.MOUNT_ATTR_STRICTATIME);
  assertEquals(attributesOf("strictatime", "relatime"), abi.MOUNT_ATTR_STRICTATIME);
});

Deno.test("parseOptions() has nothing of options that say what is so anyway", () => {
  const { attributes, flags, data } = parseOptions(["defaults", "async", "nomand", "loud", "acl"]);
  assertEquals({ attributes, flags, data }, { attributes: 0, flags: [], data: [] });
});

Deno.test("isBind() goes by the type and by the options", () => {
  const mount = (type: string | undefined, ...options: string[]) =>
    isBind({ destination: "/", ...type === undefined ? {} : { type }, options });
  assertEquals([mount("bind"), mount(undefined, "bind"), mount("none", "rbind"), mount("tmpfs")], [
    ...[true, true, true, false],
  ]);
});
