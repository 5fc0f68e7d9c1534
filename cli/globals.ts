/** The flags before the command, and what they say. */

import { RunoError } from "../core/error.ts";
import type { CgroupManager, HostOptions } from "../core/host/options.ts";
import { defaultRoot } from "../core/host/state_root.ts";
import { type Level, LEVELS, type LogFormat, type LogOptions } from "../core/log.ts";
import type { Caller } from "./caller.ts";
import { type Flags, parseBool, type Values } from "./flags.ts";
import { absolutePath } from "./paths.ts";

export const GLOBAL_FLAGS = {
  debug: { kind: "bool", help: "log what is done, and how long it takes" },
  log: { kind: "text", path: "file", help: "file that the log is added to (default: stderr)" },
  "log-format": {
    kind: "text",
    help: 'format of the log: "text" or "json" (default: "text")',
    choices: ["text", "json"],
  },
  "log-level": { kind: "text", help: 'least grave records to log (default: "warning")', choices: LEVELS },
  root: { kind: "text", path: "directory", help: "directory that holds the state of the containers; best on a tmpfs" },
  criu: { kind: "text", path: "file", help: "criu program for checkpoint and restore (default: the one in PATH)" },
  "systemd-cgroup": { kind: "bool", help: 'let systemd make the cgroups; cgroupsPath is then "slice:prefix:name"' },
  "cgroup-manager": {
    kind: "text",
    help: 'who makes the cgroups: "cgroupfs", "systemd", or "disabled" for none (default: "cgroupfs")',
    choices: ["cgroupfs", "systemd", "disabled"],
  },
  rootless: {
    kind: "text",
    help: 'whether to overlook cgroups that may not be used: "true", "false" or "auto" (default: "auto")',
    choices: ["true", "false", "auto"],
  },
  version: { kind: "bool", short: "v", help: "print the version" },
} as const satisfies Flags;

export type GlobalValues = Values<typeof GLOBAL_FLAGS>;

/**
 * Where and how to log.
 * @throws {RunoError} for a format or a level that is none
 */
export function logOptions(values: GlobalValues): LogOptions {
  const format = values["log-format"] ?? "text";
  if (format !== "text" && format !== "json") throw new RunoError(`invalid log-format: ${format}`, { kind: "invalid" });
  return { path: logPath(values), format, level: values.debug ? "debug" : logLevel(values["log-level"]) };
}

/** The log as far as it can be told when the flags are wrong: their error belongs there as well. */
export function salvagedLogOptions(words: readonly string[]): LogOptions {
  const value = (name: string) => {
    const at = words.findIndex((word) => word.replace(/^--?/, "").split("=", 1)[0] === name && word.startsWith("-"));
    const word = words[at];
    return word?.includes("=") ? word.slice(word.indexOf("=") + 1) : words[at + 1];
  };
  const given = (name: string) => words.some((word) => new RegExp(`^--?${name}(=|$)`).test(word));
  const path = given("log") ? value("log") : undefined;
  const format: LogFormat = given("log-format") && value("log-format") === "json" ? "json" : "text";
  return { path: path ? absolutePath(path) : undefined, format, level: "warning" };
}

function logPath({ log }: GlobalValues): string | undefined {
  // runc's default; as a file it would be opened anew, and that may not be allowed
  return log === undefined || log === "" || log === "/dev/stderr" ? undefined : absolutePath(log);
}

function logLevel(name: string | undefined): Level {
  const lower = name?.toLowerCase() ?? "warning";
  const level = lower === "warn" ? "warning" : lower;
  const known = LEVELS.find((each) => each === level);
  if (known === undefined) throw new RunoError(`invalid log-level: ${name}`, { kind: "invalid" });
  return known;
}

/** What all commands need to know. */
export function hostOptions(
  values: GlobalValues,
  caller: Caller,
  voices: Pick<HostOptions, "warn" | "debug">,
): HostOptions {
  return {
    root: stateRoot(values.root),
    cgroupManager: cgroupManager(values),
    rootless: rootless(values.rootless),
    argv0: caller.argv0,
    ...voices,
  };
}

function stateRoot(given: string | undefined): string {
  if (given === undefined || given === "") return defaultRoot();
  const root = absolutePath(given);
  if (root === "/") {
    throw new RunoError('option --root must not be "/"', {
      kind: "invalid",
      hint: "containers are its subdirectories",
    });
  }
  return root;
}

function cgroupManager(values: GlobalValues): CgroupManager {
  if (values["systemd-cgroup"]) return "systemd";
  const name = values["cgroup-manager"] ?? "cgroupfs";
  if (name === "cgroupfs" || name === "systemd" || name === "disabled") return name;
  throw new RunoError(`invalid cgroup-manager: ${name}`, { kind: "invalid", hint: "cgroupfs, systemd or disabled" });
}

function rootless(text: string | undefined): "auto" | boolean {
  if (text === undefined || text === "" || text === "auto") return "auto";
  const value = parseBool(text);
  if (value === undefined) {
    throw new RunoError(`invalid rootless: ${text}`, { kind: "invalid", hint: "true, false or auto" });
  }
  return value;
}
