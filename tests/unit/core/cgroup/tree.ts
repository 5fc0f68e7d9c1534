/** Directories that look like cgroups. */

/** What a test gets: the directory, and the content of its files. */
export interface Tree {
  readonly path: string;
  read(file: string): string;
}

/** Runs a test with a directory that has these files, and removes it. */
export function withTree(files: Readonly<Record<string, string>>, test: (tree: Tree) => void): void {
  const path = Deno.makeTempDirSync();
  try {
    for (const [name, content] of Object.entries(files)) {
      const file = `${path}/${name}`;
      Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(file, content);
    }
    test({ path, read: (file) => Deno.readTextFileSync(`${path}/${file}`) });
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

/** Empty files of these names. */
export function empty(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, ""]));
}
