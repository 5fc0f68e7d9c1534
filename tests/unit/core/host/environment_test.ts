import { assertEquals } from "@std/assert";

const MODULE = new URL("../../../../core/host/environment.ts", import.meta.url).href;

Deno.test("inheritedEnvironment() is what the process was started with, not what became of it", () => {
  const code = `import { inheritedEnvironment } from "${MODULE}";
    Deno.env.set("A", "changed");
    Deno.env.set("ADDED", "1");
    console.log(JSON.stringify(inheritedEnvironment()));`;
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", "--ext=ts", `data:text/typescript,${encodeURIComponent(code)}`],
    clearEnv: true,
    env: { A: "b=c", EMPTY: "" },
  }).outputSync();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)).sort(), ["A=b=c", "EMPTY="]);
});
