/** Which CRIU there is: found once, asked once. */

import { create } from "@bufbuild/protobuf";
import { RunoError } from "../core/error.ts";
import { findTool } from "../core/host/tools.ts";
import { CriuReqSchema, CriuReqType, type CriuVersion } from "./gen/rpc_pb.ts";
import { startCriu } from "./process.ts";
import { CriuError, Question } from "./session.ts";

/** The first version with all that every dump and restore uses: the VERSION request among it. */
export const OLDEST = 30000;

/** First versions of what newer ones can do. */
export const SINCE = {
  networkNamespace: 31100,
  unifiedFreezer: 31400,
  cgroupYard: 31400,
  timeNamespace: 31400,
  pidNamespace: 31500,
  statusReady: 31500,
  lsm: 31600,
  networkLockSkip: 31900,
} as const;

/** A CRIU: where it is, and major * 10000 + minor * 100 + sublevel. */
export interface Criu {
  readonly path: string;
  readonly version: number;
}

/**
 * Finds CRIU and asks for its version.
 * @param given what `--criu` says: a path, or a name to look for in PATH
 * @throws {RunoError} `unsupported` when there is none, or an older one than `OLDEST`
 */
export function findCriu(given: string | undefined): Criu {
  using asked = askForCriu(given);
  return asked.criu();
}

/** The same in two steps: CRIU takes a while to start, which can be used. */
export function askForCriu(given: string | undefined): Disposable & { readonly criu: () => Criu } {
  const path = criuPath(given);
  const question = known.has(path) ? undefined : askVersion(path);
  return {
    criu: () => {
      const version = known.get(path) ?? answeredVersion(path, question);
      known.set(path, version);
      const criu = { path, version };
      needVersion(criu, OLDEST);
      return criu;
    },
    [Symbol.dispose]: () => question?.[Symbol.dispose](),
  };
}

function criuPath(given: string | undefined): string {
  const name = given === undefined || given === "" ? "criu" : given;
  const path = name.includes("/") ? name : findTool(name);
  if (path !== undefined) return path;
  throw new RunoError(`"${name}" not found in PATH`, {
    kind: "unsupported",
    hint: "checkpoint and restore need CRIU 3.0 or newer: install it, or name it with --criu",
  });
}

/** @throws {RunoError} `unsupported`, with runc's words */
export function needVersion({ version }: Criu, least: number): void {
  if (version >= least) return;
  throw new RunoError(`CRIU version ${version} must be ${least} or higher`, { kind: "unsupported" });
}

/** The version of each executable is asked once. */
const known = new Map<string, number>();

function askVersion(path: string): Question {
  try {
    return new Question(path, create(CriuReqSchema, { type: CriuReqType.VERSION }));
  } catch (error) {
    throw new RunoError("CRIU version check failed", { cause: error });
  }
}

function answeredVersion(path: string, question: Question | undefined): number {
  try {
    const version = question?.answer().version;
    if (version !== undefined) return versionNumber(version);
  } catch (error) {
    // older than the request: its command line tells it
    if (!(error instanceof CriuError)) throw new RunoError("CRIU version check failed", { cause: error });
  }
  return printedVersion(path);
}

/** A build between two releases counts as the next one. */
export function versionNumber({ majorNumber, minorNumber, sublevel, gitid }: VersionParts): number {
  return gitid ? majorNumber * 10000 + (minorNumber + 1) * 100 : majorNumber * 10000 + minorNumber * 100 + sublevel;
}

type VersionParts = Pick<CriuVersion, "majorNumber" | "minorNumber" | "sublevel" | "gitid">;

function printedVersion(path: string): number {
  using process = startCriu({ path, args: ["-V"] });
  process.end();
  const text = process.said();
  const version = parseVersion(text);
  if (version === undefined) {
    throw new RunoError(`CRIU version check failed: "${path}" prints no version`, {
      kind: "unsupported",
      ...text === "" ? {} : { cause: text.split("\n")[0] },
    });
  }
  return version;
}

/** The version in what `criu -V` prints: "Version: X.Y[.Z]", or for a build between releases also "GitID: vX.Y[.Z]-...". */
export function parseVersion(text: string): number | undefined {
  const git = /^GitID:\s*v(\d+)\.(\d+)/m.exec(text);
  const [, major, minor, sublevel = 0, gitid] = git !== null
    ? [...git, 0, "v"]
    : /^Version:\s*(\d+)\.(\d+)(?:\.(\d+))?/m.exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return versionNumber({
    majorNumber: Number(major),
    minorNumber: Number(minor),
    sublevel: Number(sublevel),
    gitid: gitid === undefined ? "" : String(gitid),
  });
}
