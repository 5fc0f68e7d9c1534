/**
 * A program of the build: it evaluates runo's scripts, which it finds in the directory that RUNO_WARM_UP names. With arguments
 * it is runo, and leaves there, for the script `name`, what V8 has compiled by the end: `name.compiled`, which the next such run
 * begins with. Without arguments it only shows each script to Deno, which then has it in its code cache.
 */

import type { Script } from "./bundle.ts";

const directory = Deno.env.get("RUNO_WARM_UP")!;
const scripts: readonly Script[] = JSON.parse(Deno.readTextFileSync(`${directory}/scripts.json`));

async function warmUp(): Promise<void> {
  const { Script } = await import("node:vm");
  const used: [string, InstanceType<typeof Script>][] = [], loaded: Record<string, unknown> = {};
  const evaluate = (name: string) => {
    const { text } = scripts.find((script) => script.name === name)!, cachedData = readIfThere(`${name}.compiled`);
    const script = new Script(text, { filename: `runo:${name}`, ...(cachedData && { cachedData }) });
    used.push([name, script]);
    return script.runInThisContext();
  };
  const load = (name: string) => loaded[name] ??= evaluate(name)(load, later);
  const later = (name: string) => Promise.resolve(load(name));
  addEventListener("unload", () => {
    for (const [name, script] of used) {
      Deno.writeFileSync(`${directory}/${name}.compiled`, script.createCachedData());
    }
  });
  load(scripts[0]!.name);
}

function readIfThere(name: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(`${directory}/${name}`);
  } catch {
    return undefined;
  }
}

function show(): void {
  const { core } = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  for (const { name, text } of scripts) core.evalContext(text, `runo:${name}`);
}

if (Deno.args.length > 0) await warmUp();
else show();
