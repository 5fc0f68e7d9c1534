import { assertEquals } from "@std/assert";
import { OCI_VERSION, OCI_VERSION_MIN } from "../../../../core/spec/state.ts";
import { validateSpec } from "../../../../core/spec/validate.ts";
import { changed } from "./config.ts";

Deno.test("OCI_VERSION and OCI_VERSION_MIN are versions that a config may have", () => {
  for (const ociVersion of [OCI_VERSION, OCI_VERSION_MIN]) {
    assertEquals([...validateSpec(changed({ ociVersion })).errors], []);
  }
});
