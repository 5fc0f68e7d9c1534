/** Root file systems: busybox and the directories that containers mount on. Making one takes about a millisecond. */

const DIRECTORIES = ["bin", "dev", "etc", "home", "mnt", "proc", "root", "sys", "tmp", "usr", "var"];

const APPLETS =
  "[ awk basename cat chmod chown chroot cp cut date dd df dirname dmesg du echo env fallocate false find fold free " +
  "getopt grep halt head hexdump hostname id ifconfig init ionice ip kill killall less ln ls md5sum mkdir mkfifo mknod " +
  "mktemp mount mountpoint mv nc netstat nice nohup nproc nslookup od pgrep pidof ping pkill printenv printf ps pwd " +
  "readlink realpath renice reset rev rm rmdir route sed seq setsid sh sha256sum sleep sort stat stty su sync sysctl tail " +
  "tar tee test time timeout top touch tr true truncate tty umask umount uname uniq unshare uptime usleep vi watch wc " +
  "which whoami xargs yes";

let base: string | undefined;

/** A copy of busybox of this process' own: the containers' files are links to it, and some are written to. */
function busybox(): string {
  if (base !== undefined) return base;
  const dir = Deno.makeTempDirSync({ prefix: "runo-test-base-" });
  base = `${dir}/busybox`;
  Deno.copyFileSync("/bin/busybox", base);
  Deno.chmodSync(base, 0o755);
  globalThis.addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
  return base;
}

/** Makes a root file system at a path that does not exist yet. */
export function makeRootfs(path: string): void {
  Deno.mkdirSync(path);
  for (const name of DIRECTORIES) Deno.mkdirSync(`${path}/${name}`);
  Deno.chmodSync(`${path}/tmp`, 0o1777);
  Deno.linkSync(busybox(), `${path}/bin/busybox`);
  for (const name of APPLETS.split(" ")) Deno.symlinkSync("busybox", `${path}/bin/${name}`);
  Deno.writeTextFileSync(`${path}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
  Deno.writeTextFileSync(`${path}/etc/group`, "root:x:0:\nuser:x:1000:\n");
}
