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

/** The archive that containerd imports: a layout of OCI with the one layer, under that name. */
export async function makeArchive(directory: string, name: string): Promise<string> {
  const layout = `${directory}/layout`, archive = `${directory}/layout.tar`, blobs = `${layout}/blobs/sha256`;
  await Deno.mkdir(blobs, { recursive: true });
  const blob = async (mediaType: string, bytes: Uint8Array<ArrayBuffer>) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    await Deno.writeFile(`${blobs}/${digest}`, bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const oci = "application/vnd.oci.image";
  const layer = await blob(`${oci}.layer.v1.tar`, await Deno.readFile(`${directory}/rootfs.tar`));
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  const rootfs = { type: "layers", diff_ids: [layer.digest] };
  const config = await blob(`${oci}.config.v1+json`, json({ architecture, os: "linux", config: {}, rootfs }));
  const manifest = await blob(`${oci}.manifest.v1+json`, json({ schemaVersion: 2, config, layers: [layer] }));
  const annotations = { "io.containerd.image.name": name };
  await Deno.writeFile(`${layout}/index.json`, json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  await Deno.writeFile(`${layout}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
  await succeed(["tar", "-C", layout, "-cf", archive, "."]);
  return archive;
}
