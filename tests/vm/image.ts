/**
 * What the machines of the VM tests boot: Debian's own kernel, a small initramfs, and a root file system with systemd.
 * Made once from Debian packages (as root, in about a minute and a half) and kept in the cache directory.
 */

import { cacheDirectory } from "../../scripts/provision/criu.ts";

/** Files that qemu takes. */
export interface Image {
  readonly boot: Readonly<Record<Flavour, Boot>>;
  /** An ext4 file system; every machine works on a throw-away copy. */
  readonly root: string;
}

/** The cloud kernel starts faster; the other has the drivers of all machines. */
export type Flavour = "cloud" | "generic";

/** What the machine starts with. */
export interface Boot {
  readonly kernel: string;
  readonly initramfs: string;
}

const SUITE = "bookworm";
const MIRROR = "http://deb.debian.org/debian";
const KERNEL_PACKAGES: Readonly<Record<Flavour, string>> = {
  cloud: "linux-image-cloud-amd64",
  generic: "linux-image-amd64",
};
/** Beside those of debootstrap's minbase. */
const PACKAGES = [
  "apparmor",
  "bpftool",
  "busybox-static",
  "criu",
  "dbus",
  "dbus-user-session",
  "iproute2",
  "iptables",
  "kmod",
  "libpam-systemd",
  "libseccomp2",
  "libsystemd0",
  "procps",
  "runc",
  "systemd",
  "systemd-sysv",
  "uidmap",
];
/** To be raised when the way the image is made changes. */
const RECIPE = 2;
/** What the initramfs must load to find the disks; a kernel may have some of it built in. */
const BOOT_MODULES = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"];

/** Why there can be no machine here, or none that needs these further tools; undefined when there can. */
export function cannotRun(more: readonly string[] = []): string | undefined {
  if (Deno.build.arch !== "x86_64") return "the image is for x86_64";
  const missing = ["qemu-system-x86_64", "debootstrap", "mke2fs", ...more].filter((tool) => !inPath(tool));
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  if (Deno.uid() !== 0) return "debootstrap needs root";
  return undefined;
}

function inPath(tool: string): boolean {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  return path.split(":").some((directory) => isFile(`${directory}/${tool}`));
}

/** The image, from the cache or made now. */
export async function provideImage(): Promise<Image> {
  const key = await digest(JSON.stringify([RECIPE, SUITE, MIRROR, KERNEL_PACKAGES, PACKAGES, INIT]));
  const directory = `${cacheDirectory()}/vm-${key.slice(0, 16)}`;
  const image = {
    boot: { cloud: bootFiles(directory, "cloud"), generic: bootFiles(directory, "generic") },
    root: `${directory}/root.ext4`,
  };
  Deno.mkdirSync(cacheDirectory(), { recursive: true });
  using lock = Deno.openSync(`${cacheDirectory()}/vm.lock`, { create: true, write: true });
  // several test files may want it at once: one makes it
  await lock.lock(true);
  if (!isFile(image.root)) make(directory);
  return image;
}

function bootFiles(directory: string, flavour: Flavour): Boot {
  return { kernel: `${directory}/vmlinuz-${flavour}`, initramfs: `${directory}/initramfs-${flavour}.cpio` };
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toHex();
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function make(directory: string): void {
  const work = `${directory}.new`;
  removeTree(work);
  Deno.mkdirSync(work);
  const root = `${work}/root`;
  run("debootstrap", "--variant=minbase", `--include=${PACKAGES.join(",")}`, SUITE, root, MIRROR);
  run("chroot", root, "apt-get", "update", "-q");
  for (const flavour of ["cloud", "generic"] as const) installKernel(root, flavour, bootFiles(work, flavour));
  configure(root);
  for (const useless of ["boot", "usr/share/doc", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"]) {
    removeTree(`${root}/${useless}`);
  }
  makeFileSystem(root, `${work}/root.ext4`, "2G");
  removeTree(root);
  removeTree(directory);
  Deno.renameSync(work, directory);
}

/** A kernel and its modules, without what installing it on a machine would do. */
function installKernel(root: string, flavour: Flavour, { kernel, initramfs }: Boot): void {
  const depends = run("chroot", root, "apt-cache", "depends", KERNEL_PACKAGES[flavour]);
  const [, name, version] = /Depends: (linux-image-(\S+))/.exec(depends) ?? [];
  if (name === undefined || version === undefined) {
    throw new Error(`no kernel among the dependencies of ${KERNEL_PACKAGES[flavour]}`);
  }
  const unpack = `mkdir /kernel && cd /kernel && apt-get download -q ${name} && dpkg-deb -x linux-image-*.deb .`;
  run("chroot", root, "sh", "-c", unpack);
  // not unpacked over the root: a directory "lib" would take the place of the link to usr/lib
  Deno.mkdirSync(`${root}/usr/lib/modules`, { recursive: true });
  Deno.renameSync(`${root}/kernel/lib/modules/${version}`, `${root}/usr/lib/modules/${version}`);
  Deno.copyFileSync(`${root}/kernel/boot/vmlinuz-${version}`, kernel);
  removeTree(`${root}/kernel`);
  run("chroot", root, "depmod", version);
  makeInitramfs(root, version, initramfs);
}

/** A user for rootless containers, and a unit that runs the tests once systemd is up. */
function configure(root: string): void {
  run("chroot", root, "useradd", "--create-home", "--shell", "/bin/sh", "--uid", "1000", "user");
  Deno.writeTextFileSync(`${root}/etc/fstab`, "");
  Deno.writeTextFileSync(`${root}/etc/systemd/system/runo-test.service`, UNIT);
  run("chroot", root, "systemctl", "set-default", "multi-user.target");
  run("chroot", root, "systemctl", "enable", "runo-test.service");
  for (
    const unit of ["apt-daily.timer", "apt-daily-upgrade.timer", "getty@tty1.service", "systemd-timesyncd.service"]
  ) {
    run("chroot", root, "systemctl", "mask", unit);
  }
}

const UNIT = `[Unit]
Description=Tests of runo
After=dbus.service systemd-logind.service
[Service]
Type=oneshot
ExecStart=/bin/sh /payload/repo/tests/vm/guest/run.sh
# containers are this service's business no more than the host's
KillMode=none
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
`;

/** What the kernel starts first: finds the disks, and hands over to the root's own init. */
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in ${BOOT_MODULES.join(" ")}; do /bin/busybox modprobe $module; done
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
init=/sbin/init
for word in $(/bin/busybox cat /proc/cmdline); do
  case $word in runo.init=*) init=\${word#runo.init=};; esac
done
/bin/busybox mkdir -p /root/payload
/bin/busybox mount -t ext4 -o ro /dev/vdb /root/payload
for directory in proc sys dev; do /bin/busybox mount -o move /$directory /root/$directory; done
exec /bin/busybox switch_root /root $init
`;

function makeInitramfs(root: string, version: string, archive: string): void {
  const tree = `${root}.initramfs`, modules = `lib/modules/${version}`;
  for (const directory of ["bin", "dev", "proc", "sys", "root", modules]) {
    Deno.mkdirSync(`${tree}/${directory}`, { recursive: true });
  }
  Deno.copyFileSync(`${root}/bin/busybox`, `${tree}/bin/busybox`);
  Deno.writeTextFileSync(`${tree}/init`, INIT, { mode: 0o755 });
  for (const file of [...neededModules(`${root}/${modules}/modules.dep`), "modules.dep"]) {
    const target = `${tree}/${modules}/${file}`;
    Deno.mkdirSync(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    Deno.copyFileSync(`${root}/${modules}/${file}`, target);
  }
  run("sh", "-c", `cd ${tree} && find . | ${tree}/bin/busybox cpio -o -H newc > ${archive}`);
  removeTree(tree);
}

/** Files of the boot modules and of all they depend on. */
function neededModules(modulesDep: string): string[] {
  const lines = Deno.readTextFileSync(modulesDep).split("\n");
  const found = BOOT_MODULES.flatMap((name) => {
    const line = lines.find((entry) => entry.includes(`/${name}.ko:`));
    return line === undefined ? [] : line.replace(":", "").split(" ").filter((file) => file !== "");
  });
  return [...new Set(found)];
}

/** A file system image with the content of a directory. */
export function makeFileSystem(tree: string, file: string, size: string): void {
  run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", tree, file, size);
}

function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Runs a command to its end and returns what it printed. */
export function run(command: string, ...args: string[]): string {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  const { success, stdout, stderr } = new Deno.Command(command, { args, env: { PATH: path, LC_ALL: "C" } })
    .outputSync();
  if (success) return new TextDecoder().decode(stdout);
  const tail = new TextDecoder().decode(stderr).trimEnd().split("\n").slice(-5).join("\n");
  throw new Error(`${command} ${args.join(" ")} failed:\n${tail}`);
}
