/** JSON text to values, with a place in the text for every error and no bit lost from large integers. */

/** An integer of 16 digits or more, kept as its text because a double may not hold it. */
export class LongNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What is wrong with a JSON text, and where (line and column count from 1). */
export class JsonError extends Error {
  override readonly name = "JsonError";
  constructor(reason: string, text: string, offset: number) {
    const before = text.slice(0, offset).split("\n");
    super(`line ${before.length}, column ${(before.at(-1) ?? "").length + 1}: ${reason}`);
  }
}

// The source text of a primitive, ECMA-262 "JSON.parse source text access"; TypeScript's library does not know it yet.
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * Parse JSON. Integers of 16 digits or more come back as `LongNumber`.
 *
 * @throws {JsonError} with the line and the column
 */
export function parseJson(text: string): unknown {
  try {
    return hasLongNumbers(text)
      ? JSON.parse(text, keepLongNumbers as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { reason, offset } = locate(text);
    throw new JsonError(reason, text, offset);
  }
}

// The reviver visits every value of the file, so it is only used where it can matter.
function hasLongNumbers(text: string): boolean {
  return /\d{16}/.test(text);
}

const keepLongNumbers: SourceReviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source) ? new LongNumber(source) : value;

interface Fault {
  readonly reason: string;
  readonly offset: number;
}

// V8 names a position in some of its messages only, so the text that it refused is read once more, by RFC 8259.
function locate(text: string): Fault {
  const scanner = new Scanner(text);
  try {
    scanner.value();
    scanner.end();
  } catch (error) {
    if (error instanceof Stop) return { reason: error.message, offset: scanner.offset };
    throw error;
  }
  return { reason: "not valid JSON", offset: text.length };
}

class Stop extends Error {}

class Scanner {
  offset = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(): void {
    this.#space();
    if (this.#skip("{")) return this.#members();
    if (this.#skip("[")) return this.#elements();
    if (this.#text[this.offset] === '"') return this.#string();
    if (!this.#match(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y)) {
      this.#stop("expected a value");
    }
  }

  end(): void {
    this.#space();
    if (this.offset < this.#text.length) this.#stop("expected the end of the file");
  }

  #members(): void {
    this.#space();
    if (this.#skip("}")) return;
    do {
      this.#space();
      if (this.#text[this.offset] !== '"') this.#stop("expected a name in double quotes");
      this.#string();
      this.#space();
      if (!this.#skip(":")) this.#stop("expected ':'");
      this.value();
      this.#space();
    } while (this.#skip(","));
    if (!this.#skip("}")) this.#stop("expected ',' or '}'");
  }

  #elements(): void {
    this.#space();
    if (this.#skip("]")) return;
    do {
      this.value();
      this.#space();
    } while (this.#skip(","));
    if (!this.#skip("]")) this.#stop("expected ',' or ']'");
  }

  #string(): void {
    this.offset += 1;
    // deno-lint-ignore no-control-regex -- the control characters are what JSON forbids
    this.#match(/(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y);
    if (!this.#skip('"')) {
      this.#stop(this.#text[this.offset] === "\\" ? "bad escape in a string" : "expected the end of a string");
    }
  }

  #space(): void {
    this.#match(/[ \t\n\r]*/y);
  }

  #skip(character: string): boolean {
    if (this.#text[this.offset] !== character) return false;
    this.offset += 1;
    return true;
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    if (!pattern.test(this.#text)) return false;
    this.offset = pattern.lastIndex;
    return true;
  }

  #stop(expected: string): never {
    const found = this.#text[this.offset];
    throw new Stop(`${expected}, found ${found === undefined ? "the end of the file" : JSON.stringify(found)}`);
  }
}
