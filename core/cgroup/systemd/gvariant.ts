/** Values in the text format of GVariant, as annotations have them: "uint64 5", "'text'", "@as ['a']". GLib: gvariant-text. */

import { type BusValue, splitTypes } from "../../../ffi/libsystemd.ts";

/** A value with its D-Bus type. */
export interface Typed {
  readonly signature: string;
  readonly value: BusValue;
}

/** Words that give the type of what follows. */
const KEYWORDS: Readonly<Record<string, string>> = {
  boolean: "b",
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  handle: "h",
  uint32: "u",
  int64: "x",
  uint64: "t",
  double: "d",
  string: "s",
  objectpath: "o",
  signature: "g",
};

const RANGES: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  y: [0n, 255n],
  n: [-(2n ** 15n), 2n ** 15n - 1n],
  q: [0n, 2n ** 16n - 1n],
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  h: [0n, 2n ** 32n - 1n],
  u: [0n, 2n ** 32n - 1n],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
};

/** Parses a text. @throws {SyntaxError} that says what was expected, and where */
export function parseGVariant(text: string): Typed {
  const parser = new Parser(text);
  const node = parser.value();
  parser.end();
  const signature = node.type ?? defaultType(node);
  return { signature, value: convert(node, signature) };
}

/** What was read, before its type is known. */
type Node =
  & { readonly type?: string }
  & (
    | { readonly kind: "string" | "number"; readonly text: string }
    | { readonly kind: "boolean"; readonly flag: boolean }
    | { readonly kind: "bytes"; readonly bytes: readonly number[] }
    | { readonly kind: "array" | "tuple"; readonly items: readonly Node[] }
    | { readonly kind: "dictionary"; readonly entries: readonly (readonly [Node, Node])[] }
    | { readonly kind: "variant"; readonly inner: Node }
  );

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) throw this.#expected("the end");
  }

  value(): Node {
    this.#skip();
    const character = this.#text[this.#at] ?? "";
    if (character === "[") return { kind: "array", items: this.#list("[", "]") };
    if (character === "(") return { kind: "tuple", items: this.#list("(", ")") };
    if (character === "{") return this.#dictionary();
    if (character === "<") return this.#variant();
    if (character === '"' || character === "'") return { kind: "string", text: this.#string() };
    if (/^b['"]/.test(this.#text.slice(this.#at, this.#at + 2))) return this.#bytes();
    if (character === "@") return this.#annotated();
    const number = this.#match(/[+-]?(?:0[xX][0-9a-fA-F]+|inf\b|nan\b|[\d.]+(?:[eE][+-]?\d+)?)/y);
    if (number !== undefined) return { kind: "number", text: number };
    const word = this.#match(/[a-z]+\d*/y);
    if (word === "true" || word === "false") return { kind: "boolean", flag: word === "true" };
    const type = KEYWORDS[word ?? ""];
    if (type === undefined) throw this.#expected("a value");
    return { ...this.value(), type };
  }

  #annotated(): Node {
    const type = this.#match(/@[a-z(){}]+/y)?.slice(1);
    if (type === undefined) throw this.#expected('a type after "@"');
    return { ...this.value(), type };
  }

  #list(open: string, close: string): Node[] {
    this.#take(open);
    const items: Node[] = [];
    while (!this.#next(close)) {
      items.push(this.value());
      if (!this.#next(",")) {
        this.#take(close);
        break;
      }
    }
    return items;
  }

  #dictionary(): Node {
    this.#take("{");
    const entries: (readonly [Node, Node])[] = [];
    while (!this.#next("}")) {
      const key = this.value();
      this.#take(":");
      entries.push([key, this.value()]);
      if (!this.#next(",")) {
        this.#take("}");
        break;
      }
    }
    return { kind: "dictionary", entries };
  }

  #variant(): Node {
    this.#take("<");
    const inner = this.value();
    this.#take(">");
    return { kind: "variant", inner };
  }

  /** b'...' is a C string: its bytes and a NUL. */
  #bytes(): Node {
    this.#at += 1;
    return { kind: "bytes", bytes: [...new TextEncoder().encode(this.#string()), 0] };
  }

  #string(): string {
    const quote = this.#text[this.#at++];
    let text = "";
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw this.#expected(`a closing ${quote}`);
      if (character === quote) return text;
      text += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const character = this.#text[this.#at++] ?? "";
    const digits = { u: 4, U: 8 }[character];
    if (digits !== undefined) {
      const code = this.#match(new RegExp(`[0-9a-fA-F]{${digits}}`, "y"));
      if (code === undefined) throw this.#expected(`${digits} hexadecimal digits`);
      return String.fromCodePoint(parseInt(code, 16));
    }
    return { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[character] ?? character;
  }

  #skip(): void {
    this.#match(/\s+/y);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #next(character: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(character: string): void {
    if (!this.#next(character)) throw this.#expected(`"${character}"`);
  }

  #expected(what: string): SyntaxError {
    return new SyntaxError(`expected ${what} at character ${this.#at}`);
  }
}

/** The type that a value has of itself; what is empty has none. */
function defaultType(node: Node): string {
  if (node.type !== undefined) return node.type;
  switch (node.kind) {
    case "string":
      return "s";
    case "boolean":
      return "b";
    case "number":
      return isFloat(node.text) ? "d" : "i";
    case "bytes":
      return "ay";
    case "variant":
      return "v";
    case "tuple":
      return `(${node.items.map(defaultType).join("")})`;
    case "array":
      return `a${commonType(node.items)}`;
    case "dictionary":
      return `a{${commonType(node.entries.map(([key]) => key))}${commonType(node.entries.map(([, value]) => value))}}`;
  }
}

/** One element with a type speaks for all. */
function commonType(nodes: readonly Node[]): string {
  const speaker = nodes.find(({ type }) => type !== undefined) ?? nodes.find(({ kind }) => kind !== "array") ??
    nodes[0];
  if (speaker === undefined) throw new SyntaxError('the type of something empty must be given ("@as []")');
  const floats = nodes.some((node) => node.kind === "number" && isFloat(node.text));
  return floats && speaker.type === undefined ? "d" : defaultType(speaker);
}

function isFloat(text: string): boolean {
  return !/^[+-]?0[xX]/.test(text) && /[.eE]|inf|nan/.test(text);
}

/** The value as the type wants it. */
function convert(node: Node, type: string): BusValue {
  const wrong = () => new SyntaxError(`a ${node.kind} is not of type "${type}"`);
  if (node.type !== undefined && node.type !== type) throw wrong();
  switch (node.kind) {
    case "string":
      if (!"sog".includes(type)) throw wrong();
      return node.text;
    case "boolean":
      if (type !== "b") throw wrong();
      return node.flag;
    case "number":
      return number(node.text, type);
    case "bytes":
      if (type !== "ay") throw wrong();
      return node.bytes;
    case "variant": {
      if (type !== "v") throw wrong();
      const inner = defaultType(node.inner);
      return [inner, convert(node.inner, inner)];
    }
    case "array":
      if (!type.startsWith("a") || type.startsWith("a{")) throw wrong();
      return node.items.map((item) => convert(item, type.slice(1)));
    case "tuple": {
      const fields = type.startsWith("(") ? splitTypes(type.slice(1, -1)) : [];
      if (fields.length !== node.items.length) throw wrong();
      return node.items.map((item, i) => convert(item, fields[i]!));
    }
    case "dictionary": {
      const [key, value] = type.startsWith("a{") ? splitTypes(type.slice(2, -1)) : [];
      if (key === undefined || value === undefined) throw wrong();
      return node.entries.map((entry) => [convert(entry[0], key), convert(entry[1], value)]);
    }
  }
}

function number(text: string, type: string): BusValue {
  if (type === "d") return Number(text.replace("inf", "Infinity").replace("nan", "NaN"));
  const range = RANGES[type];
  if (range === undefined || isFloat(text)) throw new SyntaxError(`the number ${text} is not of type "${type}"`);
  const digits = text.replace(/^[+-]/, "");
  // a leading zero makes it octal
  const size = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = text.startsWith("-") ? -size : size;
  if (value < range[0] || value > range[1]) throw new SyntaxError(`the number ${text} is out of range`);
  return value;
}
