import { assertEquals, assertThrows } from "@std/assert";

import { RunoError } from "../../../core/error.ts";
import { forgetFreezing, hasFreezing } from "../../../criu/cgroup_image.ts";

/** Properties of a cgroup as CRIU writes them. */
function image(...properties: readonly (readonly [name: string, value: string])[]): string {
  const text = (field: string, value: string) => field + String.fromCharCode(value.length) + value;
  return properties.map(([name, value]) => {
    const entry = text("\n", name) + text("\x12", value);
    return text("\x1a", entry);
  }).join("");
}

function withImage(content: string | undefined, run: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    if (content !== undefined) Deno.writeTextFileSync(`${dir}/cgroup.img`, content);
    run(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("forgetFreezing() changes what says that a cgroup is frozen, of v1 and v2, and nothing else", () => {
  const others = [["pids.max", "77"], ["cgroup.max.depth", "1"]] as const;
  const frozen = image(["freezer.state", "FROZEN"], ...others, ["cgroup.freeze", "1"], ["freezer.state", "FROZEN"]);
  const thawed = image(["freezer.state", "THAWED"], ...others, ["cgroup.freeze", "0"], ["freezer.state", "THAWED"]);
  for (const content of [frozen, thawed]) {
    withImage(content, (dir) => {
      assertEquals(hasFreezing(dir), content === frozen);
      forgetFreezing(dir);
      assertEquals(Deno.readTextFileSync(`${dir}/cgroup.img`), thawed);
      assertEquals(hasFreezing(dir), false);
    });
  }
});

Deno.test("forgetFreezing() does without an image, and tells one that cannot be read", () => {
  withImage(undefined, (dir) => {
    forgetFreezing(dir);
    assertEquals(hasFreezing(dir), false);
    Deno.mkdirSync(`${dir}/cgroup.img`);
    assertThrows(() => forgetFreezing(dir), RunoError, "cgroup.img");
    assertThrows(() => hasFreezing(dir), RunoError, "cgroup.img");
  });
});
