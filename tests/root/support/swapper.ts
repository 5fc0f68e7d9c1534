/**
 * Exchanges two files for each other, as fast as it can, until it is killed: the attacker of races between looking at a
 * path and using it. renameat2(2), RENAME_EXCHANGE
 *
 *     deno run -A swapper.ts ONE OTHER
 */

const AT_FDCWD = -100, RENAME_EXCHANGE = 2;

function swap(one: string, other: string): never {
  const { symbols } = Deno.dlopen("libc.so.6", {
    renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
  });
  const [from, to] = [one, other].map((path) => new TextEncoder().encode(`${path}\0`));
  console.log("swapping");
  for (;;) symbols.renameat2(AT_FDCWD, from!, AT_FDCWD, to!, RENAME_EXCHANGE);
}

/** Swaps the two until disposed. */
export async function startSwapper(one: string, other: string): Promise<AsyncDisposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--no-config", "--no-lock", import.meta.filename!, one, other],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

if (import.meta.main) swap(Deno.args[0]!, Deno.args[1]!);
