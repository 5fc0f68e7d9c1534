/** What `check` finds. */

import { messageOf, RunoError } from "../../error.ts";

/** One thing that was looked at. */
export interface Finding {
  /** An `error` keeps a container from running; a `warning` may; `ok` is as it should be. */
  readonly level: "ok" | "warning" | "error";
  /** What it is about: "kernel", "cgroups", "config.json". */
  readonly subject: string;
  /** Lower case, no full stop, one line. */
  readonly message: string;
  /** JSON pointer (RFC 6901) into config.json. */
  readonly pointer?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What a finding may say beside its message. */
export type Place = Pick<Finding, "pointer" | "hint">;

/** A list of findings about one subject, being written. */
export class Report {
  readonly findings: Finding[] = [];
  readonly #subject: string;

  constructor(subject: string) {
    this.#subject = subject;
  }

  ok(message: string): void {
    this.#add("ok", message, {});
  }

  warn(message: string, place: Place = {}): void {
    this.#add("warning", message, place);
  }

  error(message: string, place: Place = {}): void {
    this.#add("error", message, place);
  }

  /** What somebody else found, and threw. */
  thrown(error: unknown, place: Place = {}): void {
    const { cause, hint, phrase } = error instanceof RunoError ? error : new RunoError(messageOf(error));
    if (cause === undefined && hint !== undefined) this.error(phrase, { ...place, hint });
    else this.error(messageOf(error), place);
  }

  #add(level: Finding["level"], message: string, place: Place): void {
    this.findings.push({ level, subject: this.#subject, message, ...place });
  }
}
