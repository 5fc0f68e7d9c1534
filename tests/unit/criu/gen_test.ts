import { assertEquals } from "@std/assert";
import { generateMessages } from "../../../scripts/gen/criu.ts";

Deno.test("criu/gen is what buf makes of criu/*.proto", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const made = generateMessages(dir);
    assertEquals(made.length, [...Deno.readDirSync(dir)].length);
    for (const file of made) {
      const committed = new URL(`../../../criu/gen/${file.slice(dir.length + 1)}`, import.meta.url);
      assertEquals(Deno.readTextFileSync(file), Deno.readTextFileSync(committed), `${file}: run "deno task gen"`);
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
