import { assertEquals } from "@std/assert";

import { CriuCgMode } from "../../../criu/gen/rpc_pb.ts";
import type { RestoreOptions } from "../../../criu/options.ts";
import { type RestoreFacts, restoreOptions } from "../../../criu/restore_request.ts";

const CLONE_NEWNET = 0x40000000;

/** What CRIU is told of a container with these networks, as configs of old versions of runc have them. */
function restoring(options: Partial<RestoreOptions>, networks: readonly object[] = []) {
  const facts = {
    config: { rootfs: "/rootfs", version: "1.0.2", networks },
    annotations: {},
    directories: { images: { number: 5 }, work: undefined },
    criu: { path: "criu", version: 40000 },
    descriptors: ["/dev/null", "pipe:[12]", "pipe:[13]"],
    namespaces: { inherited: [{ key: "extRootNetNS", fd: 4 }], joined: [], files: [] },
    cgroups: undefined,
    addedMounts: [],
    cgroupsOfCriu: "",
    root: "/state/criu-root",
    yard: undefined,
  };
  const all = { manageCgroupsMode: "default", emptyNs: CLONE_NEWNET, ...options };
  return restoreOptions(all as RestoreOptions, facts as unknown as RestoreFacts);
}

Deno.test("restoreOptions() has a pair of devices for each veth, none for a loopback, unless the network stays empty", () => {
  const networks = [{ type: "loopback", name: "lo" }, { type: "veth", name: "eth0", host_interface_name: "veth7" }];
  assertEquals(restoring({ emptyNs: 0 }, networks).veths, [{ ifIn: "eth0", ifOut: "veth7" }]);
  assertEquals(restoring({}, networks).veths, undefined);
});

Deno.test("restoreOptions() gives what were pipes the caller's stdio, behind the namespaces of others", () => {
  assertEquals(restoring({}).inheritFd, [
    { key: "extRootNetNS", fd: 4 },
    { key: "pipe:[12]", fd: 1 },
    { key: "pipe:[13]", fd: 2 },
  ]);
});

Deno.test("restoreOptions() has no strict mode: the container's own cgroup is there already", () => {
  const mode = (manageCgroupsMode: RestoreOptions["manageCgroupsMode"]) => restoring({ manageCgroupsMode });
  assertEquals(
    (["default", "soft", "full", "strict", "ignore"] as const).map((each) => mode(each).manageCgroupsMode),
    [CriuCgMode.DEFAULT, CriuCgMode.SOFT, CriuCgMode.FULL, CriuCgMode.SOFT, CriuCgMode.IGNORE],
  );
});
