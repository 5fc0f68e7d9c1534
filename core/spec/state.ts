/** The state of a container as hooks and `state` see it, runtime-spec runtime.md, "State". */

/** The version of the specification that runo implements: what `ociVersion` says in states and in new configs. */
export const OCI_VERSION = "1.3.0";

/** The oldest version of the specification that runo accepts. */
export const OCI_VERSION_MIN = "1.0.0";

/** `paused` is no word of the specification; all runtimes say it. */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** What a hook reads on its stdin. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: Status;
  /** Absent once the container has stopped. */
  readonly pid?: number;
  /** Absolute path of the bundle. */
  readonly bundle: string;
  /** Absent when there are none. */
  readonly annotations?: Readonly<Record<string, string>>;
}
