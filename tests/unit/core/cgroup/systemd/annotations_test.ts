import { assertEquals, assertThrows } from "@std/assert";
import { annotatedProperties } from "../../../../../core/cgroup/systemd/annotations.ts";
import { RunoError } from "../../../../../core/error.ts";

const PREFIX = "org.systemd.property.";

Deno.test("annotatedProperties() takes those of systemd alone", () => {
  const properties = annotatedProperties({
    "org.opencontainers.x": "1",
    [`${PREFIX}CollectMode`]: "'inactive-or-failed'",
    [`${PREFIX}TimeoutStopUSec`]: "uint64 5000000",
  });
  assertEquals(properties, [["CollectMode", "s", "inactive-or-failed"], ["TimeoutStopUSec", "t", 5_000_000n]]);
});

Deno.test("annotatedProperties() turns seconds into microseconds", () => {
  const value = (text: string) => annotatedProperties({ [`${PREFIX}TimeoutStopSec`]: text });
  assertEquals(value("uint32 5"), [["TimeoutStopUSec", "t", 5_000_000n]]);
  assertEquals(value("1.5"), [["TimeoutStopUSec", "t", 1_500_000n]]);
  // "Sec" after a capital is no unit of time
  assertEquals(annotatedProperties({ [`${PREFIX}CPUQuotaPerUSec`]: "uint64 7" }), [["CPUQuotaPerUSec", "t", 7n]]);
});

Deno.test("annotatedProperties() refuses wrong names and values", () => {
  const refused = (key: string, text: string) =>
    assertThrows(() => annotatedProperties({ [key]: text }), RunoError).message;
  assertEquals(refused(`${PREFIX}ab`, "1"), `annotation "${PREFIX}ab": "ab" is no name of a property`);
  assertEquals(refused(`${PREFIX}A-bc`, "1"), `annotation "${PREFIX}A-bc": "A-bc" is no name of a property`);
  assertEquals(
    refused(`${PREFIX}Foo`, "bad"),
    `annotation "${PREFIX}Foo": value "bad": expected a value at character 3`,
  );
  assertEquals(
    refused(`${PREFIX}FooSec`, "'5'"),
    `annotation "${PREFIX}FooSec": value "'5'": it must be a number of seconds`,
  );
});
