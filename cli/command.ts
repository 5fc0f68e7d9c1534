/** What a command is: one object from which its parsing, its help and its completion come. */

import { RunoError } from "../core/error.ts";
import type { HostOptions } from "../core/host/options.ts";
import type { Flags, Values } from "./flags.ts";

/** How many arguments a command takes. */
export type Arity = { readonly exactly: number } | { readonly atLeast: number; readonly atMost?: number };

/** What a command is handed. */
export interface Invocation<F extends Flags = Flags> {
  readonly flags: Values<F>;
  readonly args: readonly string[];
  /** What the global flags say. */
  readonly host: HostOptions;
  /** "runc" when called so, else "runo". */
  readonly program: string;
  /** `--root` as given; undefined for the default. */
  readonly givenRoot: string | undefined;
  /** `--criu`: the program to use instead of the one in PATH. */
  readonly criu: string | undefined;
  /** Writes to stdout. */
  readonly print: (text: string) => void;
  /** Writes a line to stderr that is no record of the log. */
  readonly complain: (line: string) => void;
}

/** A command. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  /** One line that says what it does. */
  readonly summary: string;
  /** The arguments, as USAGE shows them. */
  readonly usage: string;
  /** More than the summary says, in lines. */
  readonly description?: string;
  readonly flags: F;
  readonly arity: Arity;
  /** What completion offers as the first argument: containers, or these words. */
  readonly argument?: "container" | readonly string[];
  /** Flags end at the first argument: what follows is another program's command line. */
  readonly verbatim?: true;
  /** How a failure of the command itself is told: words before its error, and the exit code (1 unless given). */
  readonly failure?: { readonly words: (program: string) => string; readonly code?: number };
  /** @returns the exit code */
  readonly run: (invocation: Invocation<F>) => number | Promise<number>;
}

/** Keeps the types of the flags with the command. */
export function command<const F extends Flags>(definition: Command<F>): Command {
  // flags are only ever read through the table that they were parsed by
  return definition as unknown as Command;
}

/**
 * Checks the number of arguments.
 * @param argv0 how the caller called the program: the error begins with it
 * @throws {RunoError} of kind "usage", with runc's words
 */
export function checkArity({ name, arity }: Command, count: number, argv0: string): void {
  const refuse = (wanted: string) => {
    throw new RunoError(`${argv0}: "${name}" requires ${wanted} argument(s)`, { kind: "usage" });
  };
  if ("exactly" in arity) {
    if (count !== arity.exactly) refuse(`exactly ${arity.exactly}`);
    return;
  }
  if (count < arity.atLeast) refuse(`a minimum of ${arity.atLeast}`);
  if (arity.atMost !== undefined && count > arity.atMost) refuse(`a maximum of ${arity.atMost}`);
}
