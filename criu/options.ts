/** What `checkpoint` and `restore` are told: plain data, and how the texts of the command line become it. */

import { CLONE_NEWNET } from "../ffi/abi.ts";
import { RunoError } from "../core/error.ts";
import type { HostOptions, RunOptions } from "../core/host/options.ts";

/** Counts of pages, and times in microseconds, under CRIU's names in CamelCase: `frozenTime`, `pagesWritten` ... */
export type Stats = Readonly<Record<string, number>>;

/** What becomes of cgroups. */
export type CgroupsMode = "default" | "soft" | "full" | "strict" | "ignore";

/** What both have in common. */
export interface CriuOptions {
  /** `--criu`: another executable than the one in PATH. */
  readonly criu?: string | undefined;
  /** Directory of the images, absolute. */
  readonly imagePath: string;
  /** Directory of CRIU's log and other work files, absolute; the images' unless given. */
  readonly workPath?: string | undefined;
  readonly tcpEstablished: boolean;
  readonly extUnixSk: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly autoDedup: boolean;
  readonly lazyPages: boolean;
  readonly manageCgroupsMode: CgroupsMode;
  /** CLONE_NEW* flags. */
  readonly emptyNs: number;
  /** Takes what is done, for those who look for a fault. */
  readonly debug: (message: string) => void;
  /** Takes what it has cost, by CRIU's own account. */
  readonly stats?: ((stats: Stats) => void) | undefined;
}

/** What `checkpoint` is told. */
export interface CheckpointOptions extends CriuOptions, HostOptions {
  readonly debug: (message: string) => void;
  readonly id: string;
  /** The images of the last pre-dump, relative to `imagePath`. */
  readonly parentPath?: string | undefined;
  readonly leaveRunning: boolean;
  readonly preDump: boolean;
  readonly tcpSkipInFlight: boolean;
  readonly linkRemap: boolean;
  /** A descriptor's number, or the path of a file; it gets a NUL byte when the pages can be fetched. */
  readonly statusFd?: number | string | undefined;
  readonly pageServer?: PageServer | undefined;
}

/** What `restore` is told. */
export interface RestoreOptions extends CriuOptions, RunOptions {
  readonly debug: (message: string) => void;
  /** TYPE:NAME */
  readonly lsmProfile?: string | undefined;
  readonly lsmMountContext?: string | undefined;
  /** Told when the container runs, and the images are not needed any more (but for lazy pages). */
  readonly restored?: (() => void) | undefined;
}

/** Where pages are sent to. */
export interface PageServer {
  readonly address: string;
  readonly port: number;
}

function invalid(phrase: string, hint?: string): RunoError {
  return new RunoError(phrase, { kind: "invalid", hint });
}

/** `--page-server`: ADDRESS:PORT, an IPv6 address in brackets. @throws {RunoError} with runc's words */
export function parsePageServer(text: string): PageServer {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? "";
  if (address === "" || port === undefined || port === "") {
    throw invalid("Use --page-server ADDRESS:PORT to specify page server");
  }
  if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535) throw invalid("Invalid port number");
  return { address, port: Number(port) };
}

const CGROUP_MODES: readonly string[] = ["default", "soft", "full", "strict", "ignore"] satisfies CgroupsMode[];

/** `--manage-cgroups-mode`. @throws {RunoError} with runc's words */
export function parseCgroupsMode(text: string | undefined): CgroupsMode {
  if (text === undefined || text === "") return "default";
  if (text === "default" || !CGROUP_MODES.includes(text)) {
    throw invalid("invalid manage-cgroups-mode value", "soft, full, strict or ignore");
  }
  return text as CgroupsMode;
}

/** `--empty-ns`: the network namespace is left empty in any case, for its devices are not the runtime's. @throws {RunoError} with runc's words */
export function parseEmptyNs(names: readonly string[]): number {
  const other = names.find((name) => name !== "network");
  if (other !== undefined) throw invalid(`namespace ${JSON.stringify(other)} is not supported`);
  return CLONE_NEWNET;
}

/** `--status-fd`: digits are a descriptor, as in runc since 1.0; anything else is a path, as before. */
export function parseStatusFd(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}
