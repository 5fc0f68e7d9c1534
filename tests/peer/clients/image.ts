/** A tiny root file system of busybox, as a directory and as the tar that clients import. */

import { succeed } from "./command.ts";

const APPLETS = [
  ...["sh", "ls", "cat", "echo", "ps", "id", "sleep", "true", "false", "mount", "stty", "hostname", "env", "pwd"],
  ...[
    "kill",
    "head",
    "seq",
    "touch",
    "test",
    "wc",
    "tr",
    "sync",
    "dd",
    "grep",
    "cut",
    "mkdir",
    "sort",
    "stat",
    "tail",
    "readlink",
  ],
];

/** Makes `rootfs/` and `rootfs.tar` below the directory. */
export async function makeImage(directory: string): Promise<{ readonly rootfs: string; readonly tar: string }> {
  const rootfs = `${directory}/rootfs`, tar = `${directory}/rootfs.tar`;
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev", "root"]) {
    await Deno.mkdir(`${rootfs}/${name}`, { recursive: true });
  }
  await Deno.copyFile(await succeed(["sh", "-c", "command -v busybox"]), `${rootfs}/bin/busybox`);
  for (const applet of APPLETS) await Deno.symlink("busybox", `${rootfs}/bin/${applet}`);
  await Deno.writeTextFile(`${rootfs}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n");
  await Deno.writeTextFile(`${rootfs}/etc/group`, "root:x:0:\nuser:x:1000:\n");
  await Deno.writeTextFile(`${rootfs}/bin/not-executable`, "x\n", { mode: 0o644 });
  await Deno.chmod(`${rootfs}/tmp`, 0o1777);
  await succeed(["tar", "-C", rootfs, "-cf", tar, "."]);
  return { rootfs, tar };
}
