import { assertEquals } from "@std/assert";

import { parseIdmapOption } from "../../../../core/spec/idmap_option.ts";

Deno.test("parseIdmapOption() leaves other options alone", () => {
  for (const option of ["", "bind", "idmapped", "xidmap", "rro", "idmap2=1"]) {
    assertEquals(parseIdmapOption(option), undefined, option);
  }
});

Deno.test("parseIdmapOption() reads runc's options", () => {
  assertEquals(parseIdmapOption("idmap"), { recursive: false });
  assertEquals(parseIdmapOption("ridmap"), { recursive: true });
});

Deno.test("parseIdmapOption() reads crun's ranges", () => {
  assertEquals(parseIdmapOption("idmap=uids=0-1-10#10-11-5;gids=@0-100-10"), {
    recursive: false,
    uids: {
      mappings: [{ containerID: 0, hostID: 1, size: 10 }, { containerID: 10, hostID: 11, size: 5 }],
      relative: false,
    },
    gids: { mappings: [{ containerID: 0, hostID: 100, size: 10 }], relative: true },
  });
  assertEquals(parseIdmapOption("ridmap=gids=7-8-9"), {
    recursive: true,
    gids: { mappings: [{ containerID: 7, hostID: 8, size: 9 }], relative: false },
  });
});

Deno.test("parseIdmapOption() refuses what is not a range", () => {
  for (
    const ranges of [
      "",
      "uids",
      "uids=",
      "uids=1",
      "uids=1-2",
      "uids=a-b-c",
      "uids=1-2-3;",
      "pids=1-2-3",
      "uids=1-2-3#",
    ]
  ) {
    assertEquals(parseIdmapOption(`idmap=${ranges}`), "malformed", ranges);
  }
});
