/** `check`: says what is wrong with a bundle and this host, and what to do about it. */

import { checkBundle, checkHost, type Finding } from "../core/host/check/check.ts";
import { goJson } from "../core/log.ts";
import { command } from "./command.ts";
import { BUNDLE_FLAG, CONFIG_FLAG } from "./create_flags.ts";
import { absolutePath, optionalPath, realDirectory } from "./paths.ts";

export const check = command({
  name: "check",
  summary: "say what would keep a bundle from running here",
  usage: "",
  description: `Every problem is told at once, with its place in config.json and what to do about it. Without --bundle
the current directory is checked if it has a config.json, and else the host alone. The exit code is 1
when there are errors.`,
  flags: {
    ...BUNDLE_FLAG,
    ...CONFIG_FLAG,
    json: { kind: "bool", help: "print JSON" },
    criu: { kind: "bool", help: "ask CRIU what it and the kernel can do" },
  },
  arity: { exactly: 0 },
  async run({ flags, host, criu, print }) {
    const bundle = realDirectory(flags.bundle || undefined), config = optionalPath(flags.config);
    const hasBundle = Boolean(flags.bundle) || config !== undefined || exists(absolutePath("config.json"));
    const asked = flags.criu ? (await import("../criu/check.ts")).checkCriu(criu) : [];
    const findings = [...checkHost(host), ...asked, ...hasBundle ? checkBundle({ ...host, bundle, config }) : []];
    print(flags.json ? `${goJson(findings, 2)}\n` : text(findings));
    return findings.some(({ level }) => level === "error") ? 1 : 0;
  },
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function text(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ level, subject, message, pointer, hint }) => [
    `${level.padEnd(8)} ${subject}${pointer === undefined ? "" : ` ${pointer}`}: ${message}`,
    ...hint === undefined ? [] : [`${" ".repeat(9)}-> ${hint}`],
  ]);
  const count = (wanted: Finding["level"]) => findings.filter(({ level }) => level === wanted).length;
  return `${[...lines, `${count("error")} errors, ${count("warning")} warnings`].join("\n")}\n`;
}
