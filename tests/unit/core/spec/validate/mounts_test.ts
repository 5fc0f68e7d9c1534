import { assertEquals } from "@std/assert";
import { validateSpec } from "../../../../../core/spec/validate.ts";
import { both, changed, type Changes, errors, lines, map, userNamespace } from "../config.ts";

const mount = (mount: unknown): Changes => ({ "mounts.7": mount });
const bind = (destination: string, more = {}) => mount({ destination, source: "/s", options: ["rbind"], ...more });
errors("checks mounts", [
  [bind("/data", { options: ["rbind", "rro", "rslave", "nosymfollow"] })],
  [bind("/"), '/mounts/7/destination: mountpoint "/" is on the top of rootfs'],
  [bind("/a/../."), '/mounts/7/destination: mountpoint "/a/../." is on the top of rootfs'],
  [bind("/proc")],
  [bind("/proc/meminfo")],
  [bind("/proc/sys/kernel/ns_last_pid")],
  [bind("/procfoo")],
  [bind("/proc/net/dev"), '/mounts/7/destination: "/proc/net/dev" cannot be mounted because it is inside /proc'],
  [bind("//dev/../proc/1"), '/mounts/7/destination: "//dev/../proc/1" cannot be mounted because it is inside /proc'],
  [
    mount({ destination: "/proc", type: "tmpfs", source: "tmpfs" }),
    '/mounts/7/destination: "/proc" cannot be mounted because it is not of type proc',
  ],
  [
    mount({ destination: "/data", source: "/s" }),
    "/mounts/7/type: must be set for a mount that is not a bind",
  ],
  [mount({ destination: "/data", options: ["bind"] }), "/mounts/7/source: must be set for a bind mount"],
  [mount({ destination: "/data", options: ["remount", "ro"] })],
  [
    bind("/data", { options: ["bind", "size=1k"] }),
    '/mounts/7/options/1: bind mounts cannot have any filesystem-specific options applied: "size=1k"',
  ],
]);

Deno.test("validateSpec() warns of relative mount destinations", () => {
  const report = validateSpec(changed(bind("data")));
  assertEquals(report.errors.length, 0);
  assertEquals(lines(report.warnings), [
    '/mounts/7/destination: mount destination "data" is not absolute, using it as relative to "/"',
  ]);
});

errors("checks id-mapped mounts", [
  [bind("/data", both)],
  [{ ...userNamespace, ...bind("/data", { options: ["bind", "idmap"] }) }],
  [
    bind("/data", { options: ["bind", "ridmap"] }),
    "/mounts/7/options/1: id-mapped mounts need mappings or a user namespace",
  ],
  [bind("/data", { options: ["bind", "idmap=uids=0-1-10#10-11-10;gids=0-100-10"] })],
  [{ ...userNamespace, ...bind("/data", { options: ["bind", "ridmap=uids=@0-1-9"] }) }],
  [
    bind("/data", { options: ["bind", "idmap=gids=0-1-9"] }),
    "/mounts/7/options/1: id-mapped mounts need mappings or a user namespace",
  ],
  [
    bind("/data", { options: ["bind", "idmap=uids=0-1;gids=0-0-1"] }),
    '/mounts/7/options/1: must be like "idmap=uids=0-1000-1;gids=0-1000-1"',
  ],
  [
    bind("/data", { options: ["bind", "idmap=uids=0-1-2#1-9-2;gids=0-0-0"] }),
    "/mounts/7/options/1/1/containerID: overlaps the range of /mounts/7/options/1/0",
    "/mounts/7/options/1/0/size: must be greater than zero",
  ],
  [
    mount({ destination: "/data", type: "tmpfs", ...both }),
    "/mounts/7: id-mapped mounts are only supported for bind-mounts",
  ],
  [
    bind("/data", { uidMappings: both.uidMappings }),
    "/mounts/7: id-mapped mounts must have both uid and gid mappings specified",
  ],
  [
    bind("/data", { ...both, gidMappings: [map(0, 0, 0)] }),
    "/mounts/7/gidMappings/0/size: must be greater than zero",
  ],
]);
