import { assertEquals, assertThrows } from "@std/assert";
import { cgroupPaths, ownDirectories, ownDirectory, parseLayout } from "../../../../core/cgroup/layout.ts";
import { RunoError } from "../../../../core/error.ts";

const HYBRID = `23 1 254:0 / / rw,relatime - ext4 /dev/root rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
34 31 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
35 31 0:32 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const HYBRID_OWN = "3:cpu,cpuacct:/a:b\n2:devices:/\n1:name=systemd:/user\n0::/user\n";

const V2 = "30 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n";

Deno.test("parseLayout() knows a hybrid host by its mounts", () => {
  const layout = parseLayout(HYBRID, HYBRID_OWN);
  assertEquals(layout.kind, "hybrid");
  assertEquals(layout.v1.map(({ controllers, own }) => [controllers, own]), [
    [["cpu", "cpuacct"], "/a:b"],
    [["devices"], "/"],
    [["name=systemd"], "/user"],
  ]);
  assertEquals(layout.v2, {
    controllers: [],
    mountPoint: "/sys/fs/cgroup/unified",
    root: "/",
    readOnly: false,
    own: "/user",
  });
});

Deno.test("parseLayout() takes what is mounted over the others", () => {
  assertEquals(parseLayout(HYBRID + V2, "0::/x\n"), {
    kind: "v2",
    v1: [],
    v2: { controllers: [], mountPoint: "/sys/fs/cgroup", root: "/", readOnly: false, own: "/x" },
  });
  assertEquals(parseLayout(HYBRID.replace(/.*unified.*\n/, ""), HYBRID_OWN).kind, "v1");
});

Deno.test("parseLayout() prefers the usual place of a hierarchy that is mounted twice", () => {
  const elsewhere = "29 23 0:30 /docker/x /mnt/devices rw - cgroup cgroup rw,devices\n";
  const { v1 } = parseLayout(elsewhere + HYBRID, HYBRID_OWN);
  assertEquals(v1.find(({ controllers }) => controllers[0] === "devices")?.mountPoint, "/sys/fs/cgroup/devices");
});

Deno.test("cgroupPaths() puts an absolute path below each mount point", () => {
  assertEquals(cgroupPaths(parseLayout(HYBRID, HYBRID_OWN), { id: "c", cgroupsPath: "/p/../q//c/" }), {
    devices: "/sys/fs/cgroup/devices/q/c",
    cpu: "/sys/fs/cgroup/cpu,cpuacct/q/c",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct/q/c",
    "name=systemd": "/sys/fs/cgroup/systemd/q/c",
    "": "/sys/fs/cgroup/unified/q/c",
  });
});

Deno.test("cgroupPaths() puts a relative path, and the id, below the caller's own cgroup", () => {
  const layout = parseLayout(HYBRID, HYBRID_OWN);
  assertEquals(cgroupPaths(layout, { id: "c" }), {
    devices: "/sys/fs/cgroup/devices/c",
    cpu: "/sys/fs/cgroup/cpu,cpuacct/a:b/c",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct/a:b/c",
    "name=systemd": "/sys/fs/cgroup/systemd/user/c",
    "": "/sys/fs/cgroup/unified/user/c",
  });
  // no way out of it
  const { devices, cpu } = cgroupPaths(layout, { id: "c", cgroupsPath: "../../x" });
  assertEquals([devices, cpu], ["/sys/fs/cgroup/devices/x", "/sys/fs/cgroup/cpu,cpuacct/a:b/x"]);
});

Deno.test("cgroupPaths() puts a relative path beside the caller's own cgroup on v2, which has processes", () => {
  const of = (own: string) => cgroupPaths(parseLayout(V2, `0::${own}\n`), { id: "c" })[""];
  assertEquals(of("/user.slice/session-1.scope"), "/sys/fs/cgroup/user.slice/c");
  assertEquals([of("/a"), of("/")], ["/sys/fs/cgroup/c", "/sys/fs/cgroup/c"]);
});

Deno.test("cgroupPaths() finds its way in a container that sees a part of the host's cgroups", () => {
  const part = HYBRID.replace("0:30 / /sys", "0:30 /docker/abc /sys");
  const { devices } = cgroupPaths(parseLayout(part, "2:devices:/docker/abc/inner\n"), { id: "c" });
  assertEquals(devices, "/sys/fs/cgroup/devices/inner/c");
});

Deno.test("cgroupPaths() insists on controlling devices", () => {
  const layout = parseLayout(HYBRID.replace(/.*devices.*\n/, ""), HYBRID_OWN);
  const error = assertThrows(() => cgroupPaths(layout, { id: "c" }), RunoError, "cgroup devices not mounted");
  assertEquals(error.kind, "unsupported");
});

Deno.test("ownDirectory() is where the caller is", () => {
  const { v1, v2 } = parseLayout(HYBRID, HYBRID_OWN);
  assertEquals([ownDirectory(v2!), ownDirectory(v1[1]!)], ["/sys/fs/cgroup/unified/user", "/sys/fs/cgroup/devices"]);
});

Deno.test("ownDirectories() has one for each controller, and for v2", () => {
  assertEquals(ownDirectories(parseLayout(HYBRID, HYBRID_OWN)), {
    cpu: "/sys/fs/cgroup/cpu,cpuacct/a:b",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct/a:b",
    devices: "/sys/fs/cgroup/devices",
    "name=systemd": "/sys/fs/cgroup/systemd/user",
    "": "/sys/fs/cgroup/unified/user",
  });
  assertEquals(ownDirectories(parseLayout(V2, "0::/x\n")), { "": "/sys/fs/cgroup/x" });
});
