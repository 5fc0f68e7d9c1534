/** Id-mapped mounts: which mounts have a mapping, and of which user namespace. mount_setattr(2), "ID-mapped mounts" */

import { type IdmapOption, type IdmapRanges, parseIdmapOption } from "../spec/idmap_option.ts";
import type { IdMapping, Linux, Mount } from "../spec/types.ts";

/** The user namespace whose maps a mount gets: one that exists, or one that is made for it. */
export type MapSource = { readonly path: string } | Maps;

/** The maps of a user namespace. */
export interface Maps {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** The mapping of one mount. */
export interface MountIdmap {
  readonly recursive: boolean;
  readonly source: MapSource;
}

/** The mapping that a mount asks for, or undefined. The config has been validated. */
export function mountIdmap(mount: Mount, linux: Linux): MountIdmap | undefined {
  const { options = [], uidMappings = [], gidMappings = [] } = mount;
  const option = options.map(parseIdmapOption).findLast((found) => typeof found === "object");
  if (uidMappings.length > 0) return { recursive: option?.recursive ?? false, source: { uidMappings, gidMappings } };
  return option === undefined ? undefined : { recursive: option.recursive, source: sourceOf(option, linux) };
}

function sourceOf(
  { uids, gids }: IdmapOption,
  { namespaces = [], uidMappings = [], gidMappings = [] }: Linux,
): MapSource {
  const path = namespaces.find(({ type }) => type === "user")?.path ?? "";
  if (uids === undefined && gids === undefined && path !== "") return { path };
  return {
    uidMappings: uids === undefined ? uidMappings : absolute(uids, uidMappings),
    gidMappings: gids === undefined ? gidMappings : absolute(gids, gidMappings),
  };
}

/** The ranges with the host's ids. One that the container's user namespace does not map is taken as it is, as in crun. */
function absolute({ mappings, relative }: IdmapRanges, own: readonly IdMapping[]): readonly IdMapping[] {
  if (!relative) return mappings;
  return mappings.map((mapping) => {
    const { containerID } = mapping;
    const range = own.find((line) => containerID >= line.containerID && containerID < line.containerID + line.size);
    return range === undefined ? mapping : { ...mapping, hostID: mapping.hostID + range.hostID - range.containerID };
  });
}
