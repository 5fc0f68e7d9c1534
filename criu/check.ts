/** `check --criu`: what the CRIU of this host can do, and what each thing that it cannot do prevents. */

import { create } from "@bufbuild/protobuf";
import { messageOf, RunoError } from "../core/error.ts";
import { type Finding, Report } from "../core/host/check/finding.ts";
import { askFeatures, type Feature, FEATURES } from "./features.ts";
import { CriuReqSchema, CriuReqType } from "./gen/rpc_pb.ts";
import { ask } from "./session.ts";
import { type Criu, findCriu, SINCE } from "./version.ts";

/** What a version prevents that is older. */
const PREVENTED: readonly (readonly [version: number, prevents: string])[] = [
  [SINCE.networkNamespace, "containers in a network namespace of others"],
  [SINCE.unifiedFreezer, "freezing with cgroup v2, and time namespaces"],
  [SINCE.pidNamespace, "containers in a pid namespace of others"],
  [SINCE.lsm, "restore --lsm-profile and --lsm-mount-context"],
];

/** What is wrong with CRIU on this host, and what is right. @param given what `--criu` says */
export function checkCriu(given: string | undefined): Finding[] {
  const report = new Report("criu");
  const criu = found(given, report);
  if (criu === undefined) return report.findings;
  report.ok(`"${criu.path}" is version ${dotted(criu.version)}`);
  checkVersion(criu, report);
  checkKernel(criu, report);
  checkFeatures(criu, report);
  return report.findings;
}

function found(given: string | undefined, report: Report): Criu | undefined {
  try {
    return findCriu(given);
  } catch (error) {
    const { hint } = error instanceof RunoError ? error : { hint: undefined };
    const phrase = error instanceof RunoError && error.cause === undefined ? error.phrase : messageOf(error);
    report.warn(phrase, { hint: hint ?? "checkpoint and restore need CRIU 3.0 or newer" });
    return undefined;
  }
}

function dotted(version: number): string {
  return [version / 10000, version / 100 % 100, version % 100].map(Math.floor).join(".");
}

function checkVersion({ version }: Criu, report: Report): void {
  for (const [least, prevents] of PREVENTED) {
    if (version < least) report.warn(`too old for ${prevents}`, { hint: `install CRIU ${dotted(least)} or newer` });
  }
}

/** CRIU looks at the kernel by itself. */
function checkKernel(criu: Criu, report: Report): void {
  try {
    ask(criu.path, create(CriuReqSchema, { type: CriuReqType.CHECK }));
    report.ok("the kernel has what every checkpoint needs");
  } catch (error) {
    report.warn(`the kernel is not fit for checkpoints: ${messageOf(error)}`, { hint: "`criu check` says more" });
  }
}

function checkFeatures(criu: Criu, report: Report): void {
  const all = Object.keys(FEATURES) as Feature[];
  let answers: ReturnType<typeof askFeatures>;
  try {
    answers = askFeatures(criu, all);
  } catch (error) {
    report.warn(`its features cannot be found out: ${messageOf(error)}`);
    return;
  }
  for (const feature of all) {
    const { name, needs, prevents } = FEATURES[feature];
    if (answers[feature] === true) report.ok(`${name} is there`);
    else report.warn(`${name} is missing: no ${prevents}`, { hint: `it takes ${needs}` });
  }
}
