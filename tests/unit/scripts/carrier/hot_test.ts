import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { markHotFunctions, readHotFunctions, unmarkHotFunctions } from "../../../../scripts/carrier/hot.ts";

const SCRIPT = `import { a } from "./b.js";

// core/one.ts
var table = make();
function make() {
  return \`
}
\`;
}
async function wait(x) {
  await x;
}
function cold() {
}

// core/two.ts
function make2() {
  function make() {
    return 1;
  }
  return make();
}
export {
  wait
};
`;

Deno.test("readHotFunctions() reads names by module", () => {
  const hot = readHotFunctions("core/one.ts: make wait\ncore/two.ts: make2\n");
  assertEquals(Array.from(hot), [["core/one.ts", ["make", "wait"]], ["core/two.ts", ["make2"]]]);
});

Deno.test("markHotFunctions() puts the functions that are named in front of their modules", () => {
  const hot = new Map([["core/one.ts", ["make", "wait", "gone"]], ["core/two.ts", ["make"]]]);
  const marked = markHotFunctions(SCRIPT, hot);
  const [, one = "", two = ""] = marked.split(/^\/\/ core.*\n/m);
  assertEquals(
    one.replace(/\n+/g, " ").trim(),
    [
      "var make = /* @__PURE__ */ __hot(function make() {   return ` } `; });",
      `var wait = /* @__PURE__ */ __hot(async function wait(x) {   await x; });`,
      `var table = make();`,
      `function cold() { }`,
    ].join(" "),
  );
  assertEquals(two.includes("__hot"), false);
});

Deno.test("unmarkHotFunctions() leaves parentheses, and insists on functions in them", () => {
  assertEquals(
    unmarkHotFunctions(`var a=__hot(function(b){}),c=__hot(async function(){});`),
    `var a=(function(b){}),c=(async function(){});`,
  );
  assertThrows(() => unmarkHotFunctions("var a=__hot(b);"), RunoError, "taken a marked function apart");
});
