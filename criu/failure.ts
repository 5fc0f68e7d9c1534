/** A failure of CRIU in words that help: the first errors of its log, what may be done, where the log is. */

import { RunoError } from "../core/error.ts";
import { parseLog } from "./log.ts";
import { CriuError } from "./session.ts";

/** Where to look. */
export interface LogPlace {
  /** Directory of the log. */
  readonly dir: string;
  /** Its name unless the configuration file gives another one. */
  readonly file: string;
  readonly configFile: string | undefined;
}

/** The error to throw for one of CRIU's: one line, as its callers show no more. The log around it goes to `debug`. */
export function explained(error: unknown, place: LogPlace, debug: (message: string) => void): unknown {
  if (!(error instanceof CriuError)) return error;
  const path = `${place.dir}/${logName(place)}`;
  const failure = parseLog(readIfThere(path) ?? "");
  if (failure === undefined) return withLog(error, path, undefined);
  debug(`--- Quoting ${JSON.stringify(path)}`);
  for (const line of failure.context) debug(line);
  debug("---");
  return withLog(error, path, failure.hint, failure.error);
}

function withLog(error: CriuError, path: string, hint: string | undefined, cause?: string): RunoError {
  const because = cause ?? (error.errmsg || undefined);
  const log = readIfThere(path) === undefined ? undefined : `log: ${path}`;
  const aside = [hint, log].filter((part) => part !== undefined).join("; ");
  return new RunoError(error.phrase, {
    ...because === undefined ? {} : { cause: because },
    hint: aside === "" ? undefined : aside,
  });
}

/** CRIU's configuration file counts more than what it is told: one setting a line, "log-file=NAME" or "log-file NAME". */
function logName({ file, configFile }: LogPlace): string {
  const settings = configFile === undefined ? undefined : readIfThere(configFile);
  return /^\s*(?:log-file|o)(?:\s*=\s*|\s+)"?([^"#\s]+)/m.exec(settings ?? "")?.[1] ?? file;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
