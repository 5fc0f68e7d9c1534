/** What the commands hand to the host side: plain data, already parsed, every path absolute. */

import type { Process } from "../spec/types.ts";

/** How containers are put into cgroups. `disabled` leaves them where the caller is (crun's word, podman uses it). */
export type CgroupManager = "cgroupfs" | "systemd" | "disabled";

/** What the global flags say. */
export interface HostOptions {
  /** The state root, absolute: one directory per container below it. */
  readonly root: string;
  readonly cgroupManager: CgroupManager;
  /** `--rootless`: whether errors of cgroups may be ignored where runc ignores them. */
  readonly rootless: "auto" | boolean;
  /** True where this process is another program's: its signals, its other children and its orphans are left alone. */
  readonly embedded?: boolean;
  /** argv[0] of the caller; init shows it as its own. */
  readonly argv0: string;
  /** Takes what went wrong without being an error: the library itself writes nothing. */
  readonly warn: (message: string) => void;
  /** Takes what is being done, for those who look for a fault. */
  readonly debug?: (message: string) => void;
}

/** What `create` and `run` say. */
export interface CreateOptions extends HostOptions {
  readonly id: string;
  /** Absolute path of the bundle directory. */
  readonly bundle: string;
  /** Another config file than `config.json` of the bundle, absolute. */
  readonly config?: string;
  readonly consoleSocket?: string | undefined;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** Descriptors from 3 (after those of LISTEN_FDS) that the container keeps. */
  readonly preserveFds: number;
  /** LISTEN_FDS of the environment, 0 when absent or not for this process. */
  readonly listenFds: number;
  /** NOTIFY_SOCKET of the environment. */
  readonly notifySocket?: string;
  /** True when nobody stays to copy the terminal: `create` and `run --detach`. */
  readonly detach: boolean;
}

/** What only a foreground `run` says. */
export interface RunOptions extends CreateOptions {
  /** Keep the state directory after the container ended. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
}

/** What `exec` says. */
export interface ExecOptions extends HostOptions {
  readonly id: string;
  /** The process as the command line or the process file has it. */
  readonly process: Process;
  readonly detach: boolean;
  readonly consoleSocket?: string | undefined;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly preserveFds: number;
  readonly listenFds: number;
  /** Execute in a paused container; it runs when the container is resumed. */
  readonly ignorePaused: boolean;
  /** Cgroups below the container's, by controller; "" for all. */
  readonly subCgroups?: Readonly<Record<string, string>>;
}
