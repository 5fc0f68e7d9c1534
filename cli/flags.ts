/** The grammar of flags: that of Go's flag package, as runc's callers use it. */

import { RunoError } from "../core/error.ts";

/** What a flag takes. A `list` may be given many times, `bool` takes a value after "=" only. */
export type FlagKind = "bool" | "text" | "integer" | "duration" | "list";

/** One flag; its long name is its key in the table. */
export interface Flag {
  readonly kind: FlagKind;
  /** A second, short name. */
  readonly short?: string;
  /** What it does, for help and completion. */
  readonly help: string;
  /** What help calls the value, "value" unless given. */
  readonly value?: string;
  /** The values that are accepted, where they are few: completion offers them. */
  readonly choices?: readonly string[];
  /** The value is a path, and completion offers those. */
  readonly path?: "file" | "directory";
  /** Accepted, but no longer spoken of. */
  readonly hidden?: true;
}

/** Flags by their long names. */
export type Flags = Readonly<Record<string, Flag>>;

interface KindValues {
  readonly bool: boolean | undefined;
  readonly text: string | undefined;
  readonly integer: number | undefined;
  /** Milliseconds. */
  readonly duration: number | undefined;
  readonly list: readonly string[];
}

/** What was given, by long name; undefined for what was not. */
export type Values<F extends Flags> = { readonly [N in keyof F]: KindValues[F[N]["kind"]] };

/** A command line, taken apart. */
export interface Parsed<F extends Flags> {
  readonly flags: Values<F>;
  readonly args: readonly string[];
}

/** How a command line is read. */
export interface Grammar {
  /** Whether flags may follow arguments. Never where the arguments are another program's command line. */
  readonly interspersed: boolean;
}

/** Thrown for -h and --help, wherever they stand. */
export class HelpWanted extends Error {}

/**
 * Takes a command line apart: `-name` is `--name`, a value follows as `=value` or as the next word, "--" ends the flags.
 * @throws {RunoError} of kind "usage", with the words of Go's flag package
 * @throws {HelpWanted}
 */
export function parseFlags<F extends Flags>(words: readonly string[], table: F, grammar: Grammar): Parsed<F> {
  const values: Record<string, unknown> = {};
  const args: string[] = [];
  for (const [name, { kind }] of Object.entries(table)) values[name] = kind === "list" ? [] : undefined;
  for (let i = 0; i < words.length;) {
    const word = words[i]!;
    if (word === "--") {
      args.push(...words.slice(i + 1));
      break;
    }
    if (!isFlag(word, table, args.length > 0)) {
      if (!grammar.interspersed) {
        args.push(...words.slice(i));
        break;
      }
      args.push(word);
      i += 1;
      continue;
    }
    i += store(words, i, table, values);
  }
  return { flags: values as Values<F>, args };
}

/** Behind the first argument only known flags are flags: "kill ID -9" names a signal. */
function isFlag(word: string, table: Flags, behindArgument: boolean): boolean {
  if (word.length < 2 || word[0] !== "-") return false;
  if (!behindArgument) return true;
  const { name } = splitFlag(word);
  return longName(name, table) !== undefined || isHelp(name);
}

/** Reads the flag at `i`. @returns how many words it took */
function store(words: readonly string[], i: number, table: Flags, values: Record<string, unknown>): 1 | 2 {
  const word = words[i]!;
  const { name, value: attached } = splitFlag(word);
  if (name === "" || name[0] === "-") throw usage(`bad flag syntax: ${word}`);
  const long = longName(name, table);
  if (long === undefined) {
    if (isHelp(name)) throw new HelpWanted();
    throw usage(`flag provided but not defined: -${name}`);
  }
  const { kind } = table[long]!;
  if (kind === "bool") {
    values[long] = readBool(name, attached ?? "true");
    return 1;
  }
  const text = attached ?? words[i + 1];
  if (text === undefined) throw usage(`flag needs an argument: -${name}`);
  if (kind === "list") (values[long] as string[]).push(text);
  else values[long] = kind === "text" ? text : readNumber(kind, name, text);
  return attached === undefined ? 2 : 1;
}

function splitFlag(word: string): { name: string; value: string | undefined } {
  const bare = word.slice(word[1] === "-" ? 2 : 1);
  const equals = bare.indexOf("=");
  return equals < 0 ? { name: bare, value: undefined } : { name: bare.slice(0, equals), value: bare.slice(equals + 1) };
}

function longName(name: string, table: Flags): string | undefined {
  if (Object.hasOwn(table, name)) return name;
  return Object.keys(table).find((long) => table[long]!.short === name);
}

function isHelp(name: string): boolean {
  return name === "help" || name === "h";
}

// strconv.ParseBool
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** A boolean as Go reads it, or undefined. */
export function parseBool(text: string): boolean | undefined {
  return TRUE.has(text) ? true : FALSE.has(text) ? false : undefined;
}

function readBool(name: string, text: string): boolean {
  const value = parseBool(text);
  if (value === undefined) throw usage(`invalid boolean value ${JSON.stringify(text)} for -${name}: parse error`);
  return value;
}

function readNumber(kind: "integer" | "duration", name: string, text: string): number {
  const value = kind === "integer" ? parseInteger(text) : parseDuration(text);
  if (value === undefined) throw usage(`invalid value ${JSON.stringify(text)} for flag -${name}: parse error`);
  return value;
}

function parseInteger(text: string): number | undefined {
  const value = /^[+-]?(\d+|0x[\da-fA-F]+|0o[0-7]+|0b[01]+)$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** "1m30s", "100ms": milliseconds, or undefined. Go's time.ParseDuration. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const [, sign, parts] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (parts === undefined) return undefined;
  const sum = [...parts.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)]
    .reduce((total, [, number, unit]) => total + Number(number) * MILLISECONDS[unit!]!, 0);
  return sign === "-" ? -sum : sum;
}

function usage(phrase: string): RunoError {
  return new RunoError(phrase, { kind: "usage" });
}

/** The ways to write a flag, for people. */
export function spellings(name: string, { short }: Flag): string[] {
  return [name, ...short === undefined ? [] : [short]].map((each) => `${each.length === 1 ? "-" : "--"}${each}`);
}
