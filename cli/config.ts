/** `config`: prints what to tell an engine so that it uses this program. */

import { RunoError } from "../core/error.ts";
import { command } from "./command.ts";

/** What the snippets are made of. */
interface Facts {
  /** Absolute path of the program. */
  readonly path: string;
  readonly systemd: boolean;
}

const ENGINES: Readonly<Record<string, (facts: Facts) => string>> = { docker, podman, containerd, crio };

export const config = command({
  name: "config",
  summary: "print the configuration that makes an engine use this program",
  usage: "docker|podman|containerd|crio",
  description: `    docker:     merge into /etc/docker/daemon.json, then reload dockerd; docker run --runtime runo
    podman:     save as /etc/containers/containers.conf.d/50-runo.conf; podman --runtime runo
    containerd: add to /etc/containerd/config.toml; a Kubernetes RuntimeClass with handler "runo"
    crio:       save as /etc/crio/crio.conf.d/50-runo.conf; a Kubernetes RuntimeClass with handler "runo"

With the global option --systemd-cgroup the engine is told to let systemd make the cgroups.`,
  flags: {},
  arity: { exactly: 1 },
  argument: Object.keys(ENGINES),
  run({ args: [engine], host, print }) {
    const snippet = Object.hasOwn(ENGINES, engine!) ? ENGINES[engine!] : undefined;
    if (snippet === undefined) {
      const hint = "docker, podman, containerd or crio";
      throw new RunoError(`unknown engine ${JSON.stringify(engine)}`, { kind: "invalid", hint });
    }
    print(snippet({ path: ownPath(), systemd: host.cgroupManager === "systemd" }));
    return 0;
  },
});

function ownPath(): string {
  const path = Deno.execPath();
  // `deno run`: there is no executable yet
  return path.endsWith("/deno") ? "/usr/bin/runo" : path;
}

/** https://docs.docker.com/engine/daemon/alternative-runtimes/ */
function docker({ path, systemd }: Facts): string {
  const cgroups = systemd ? { "exec-opts": ["native.cgroupdriver=systemd"] } : {};
  return `${JSON.stringify({ runtimes: { runo: { path } }, ...cgroups }, undefined, 4)}\n`;
}

/** The runtimes that podman asks for JSON, and those that it runs without cgroups: a list of ours replaces its own. */
const PODMAN_JSON = ["crun", "crun-vm", "kata", "krun", "ocijail", "runc", "runsc", "youki", "runo"];
const PODMAN_NO_CGROUPS = ["crun", "crun-vm", "krun", "runo"];

/** containers.conf(5) */
function podman({ path, systemd }: Facts): string {
  return `[engine]
${systemd ? 'cgroup_manager = "systemd"\n' : ""}runtime_supports_json = ${JSON.stringify(PODMAN_JSON)}
runtime_supports_nocgroups = ${JSON.stringify(PODMAN_NO_CGROUPS)}

[engine.runtimes]
runo = [${JSON.stringify(path)}]
`;
}

/** containerd's cri plugin; its shim for runc takes any program with runc's command line. */
function containerd({ path, systemd }: Facts): string {
  const table = 'plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runo';
  return `[${table}]
  runtime_type = "io.containerd.runc.v2"

  [${table}.options]
    BinaryName = ${JSON.stringify(path)}
    SystemdCgroup = ${systemd}
`;
}

/** crio.conf(5). Its default for the smallest memory limit is that of runc, which needs more to start. */
function crio({ path, systemd }: Facts): string {
  return `[crio.runtime]
cgroup_manager = "${systemd ? "systemd" : "cgroupfs"}"

[crio.runtime.runtimes.runo]
runtime_type = "oci"
runtime_path = ${JSON.stringify(path)}
runtime_root = "/run/runc"
container_min_memory = "512KiB"
`;
}
