/** The program: reads the command line, runs one command, prints its error if there is one, and picks the exit code. */

import { messageOf, RunoError } from "../core/error.ts";
import type { HostOptions } from "../core/host/options.ts";
import { type Details, Log } from "../core/log.ts";
import { type Caller, findCaller } from "./caller.ts";
import { checkArity, type Command } from "./command.ts";
import { findCommand } from "./commands.ts";
import { HelpWanted, parseFlags } from "./flags.ts";
import { GLOBAL_FLAGS, type GlobalValues, hostOptions, logOptions, salvagedLogOptions } from "./globals.ts";
import { print, printError } from "./output.ts";

/** Runs the command line. @returns the exit code */
export async function main(words: readonly string[], caller: Caller = findCaller()): Promise<number> {
  let log: Log | undefined;
  try {
    const { flags, args } = parseFlags(words, GLOBAL_FLAGS, { interspersed: false });
    log = new Log(logOptions(flags));
    if (flags.version) return await showVersion(caller);
    const [name = "help", ...rest] = args;
    return await runCommand(name, rest, { caller, flags, log });
  } catch (error) {
    if (error instanceof HelpWanted) return await showHelp(caller);
    if (isUsage(error)) await showHelp(caller, `Incorrect Usage. ${error.message}\n\n`);
    report(error, log ?? openAnyLog(words));
    return 1;
  }
}

interface Session {
  readonly caller: Caller;
  readonly flags: GlobalValues;
  readonly log: Log;
}

/** Errors from here on are known to belong to a command. */
async function runCommand(name: string, words: readonly string[], session: Session): Promise<number> {
  const { caller, log } = session;
  if (name === "help" || name === "h") return await help(words, session);
  const command = await findCommand(name);
  if (command === undefined) return unknownTopic(name, log);
  try {
    return await perform(command, words, session);
  } catch (error) {
    if (error instanceof HelpWanted) return await showHelp(caller, "", command);
    if (isUsage(error)) {
      await showHelp(caller, usagePreface(error), command);
      report(error, log);
      return 1;
    }
    const words = command.failure?.words(caller.program);
    report(words === undefined ? error : new RunoError(words, { cause: error }), log);
    return command.failure?.code ?? 1;
  }
}

async function perform(command: Command, words: readonly string[], { caller, flags: globals, log }: Session) {
  const { flags, args } = parseFlags(words, command.flags, { interspersed: command.verbatim !== true });
  checkArity(command, args.length, caller.argv0);
  return await command.run({
    flags,
    args,
    host: hostOptions(globals, caller, voices(log)),
    program: caller.program,
    givenRoot: globals.root,
    criu: globals.criu,
    print,
    complain: (line) => printError(`${line}\n`),
  });
}

/** What the host side may say beside its errors. */
function voices(log: Log): Pick<HostOptions, "warn" | "debug"> {
  const warn = (message: string) => log.write("warning", message);
  return log.wants("debug") ? { warn, debug: timed(log) } : { warn };
}

/** Debug records that tell the milliseconds since the program began, and since the record before. */
function timed(log: Log): (message: string) => void {
  let last = 0;
  return (message) => {
    const now = performance.now();
    log.write("debug", message, { at: `${now.toFixed(1)}ms`, took: `${(now - last).toFixed(1)}ms` });
    last = now;
  };
}

async function help([topic]: readonly string[], { caller, log }: Session): Promise<number> {
  if (topic === undefined || topic.startsWith("-")) return await showHelp(caller);
  const command = await findCommand(topic);
  if (command === undefined) return unknownTopic(topic, log);
  return await showHelp(caller, "", command);
}

// the words and the code of urfave/cli, which runc is built with; the newline is a part of the record
function unknownTopic(name: string, log: Log): number {
  const text = `No help topic for '${name}'`;
  log.write("error", `${text}\n`, { code: "usage" });
  if (!log.onStderr) printError(`${text}\n`);
  return 3;
}

async function showHelp(caller: Caller, preface = "", command?: Command): Promise<number> {
  const { commandHelp, programHelp } = await import("./help.ts");
  print(preface + (command === undefined ? await programHelp(caller) : commandHelp(command, caller)));
  return 0;
}

/** A wrong number of arguments is told without words, a wrong flag with. */
function usagePreface(error: RunoError): string {
  return error.phrase.includes(" requires ") ? "Incorrect Usage.\n\n" : `Incorrect Usage: ${error.message}\n\n`;
}

async function showVersion(caller: Caller): Promise<number> {
  const { versionText } = await import("./version.ts");
  print(versionText(caller.program));
  return 0;
}

function isUsage(error: unknown): error is RunoError {
  return error instanceof RunoError && error.kind === "usage";
}

/** The one record of the log; with --log the bare error is told on stderr as well. */
function report(error: unknown, log: Log): void {
  const message = messageOf(error);
  log.write("error", message, factsOf(error));
  // anything else is a fault of the program itself: where it lies helps who looks for it
  if (!(error instanceof RunoError) && error instanceof Error && error.stack) log.write("debug", error.stack);
  if (!log.onStderr) printError(`${message}\n`);
}

/** For programs that read the log as JSON. */
function factsOf(error: unknown): Details {
  if (!(error instanceof RunoError)) return {};
  const { code, step, syscall, errno, hint, pointer } = error;
  return { code, step, syscall, errno, hint, pointer };
}

/** The log that was asked for although the flags are wrong; stderr when that cannot be had either. */
function openAnyLog(words: readonly string[]): Log {
  try {
    return new Log(salvagedLogOptions(words));
  } catch {
    return new Log({ format: "text", level: "error" });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
