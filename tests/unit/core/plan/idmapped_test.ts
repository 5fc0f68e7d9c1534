import { assertEquals } from "@std/assert";

import { mountIdmap } from "../../../../core/plan/idmapped.ts";
import { map } from "../spec/config.ts";

const LINUX = {
  namespaces: [{ type: "user" as const }],
  uidMappings: [map(0, 1000, 10)],
  gidMappings: [map(1, 2, 1000)],
};

function idmap(options: readonly string[], more: Record<string, unknown> = {}, linux: typeof LINUX = LINUX) {
  return mountIdmap({ destination: "/x", type: "bind", source: "/y", options, ...more }, linux);
}

Deno.test("mountIdmap() finds none in an ordinary mount", () => {
  assertEquals(idmap(["rbind", "ro"]), undefined);
});

Deno.test("mountIdmap() takes the mappings of the mount before those of its options", () => {
  const own = { uidMappings: [map(0, 1, 2)], gidMappings: [map(3, 4, 5)] };
  assertEquals(idmap(["bind"], own), { recursive: false, source: own });
  assertEquals(idmap(["ridmap"], own), { recursive: true, source: own });
});

Deno.test("mountIdmap() takes the container's user namespace without mappings", () => {
  const { uidMappings, gidMappings } = LINUX;
  assertEquals(idmap(["idmap"]), { recursive: false, source: { uidMappings, gidMappings } });
  const joined = { ...LINUX, namespaces: [{ type: "user" as const, path: "/proc/1/ns/user" }] };
  assertEquals(idmap(["ridmap"], {}, joined), { recursive: true, source: { path: "/proc/1/ns/user" } });
});

Deno.test("mountIdmap() counts relative ranges from the container's", () => {
  assertEquals(idmap(["idmap=uids=5-6-7;gids=@1-3-10"]), {
    recursive: false,
    // crun's own example: 1 of the container is 2 of the host, so 3 becomes 4
    source: { uidMappings: [map(5, 6, 7)], gidMappings: [map(1, 4, 10)] },
  });
  assertEquals(idmap(["idmap=uids=@0-0-1"])?.source, {
    uidMappings: [map(0, 1000, 1)],
    gidMappings: LINUX.gidMappings,
  });
});
