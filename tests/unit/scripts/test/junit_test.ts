import { assertEquals } from "@std/assert";
import { readReport } from "../../../../scripts/test/junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.008">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="a() does &lt;this&gt;" classname="./a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="b (skipped: x &amp; y)" classname="./a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="c" classname="./a_test.ts" time="0.000" line="3" col="6">
            <failure message="Uncaught Error: no">Error: no</failure>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("readReport() counts what passed and failed, and names what was skipped", () => {
  assertEquals(readReport(REPORT), { passed: 1, failed: 1, skipped: ["b (skipped: x & y)"] });
});

Deno.test("readReport() finds nothing in no report", () => {
  assertEquals(readReport(""), { passed: 0, failed: 0, skipped: [] });
});
