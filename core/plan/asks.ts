/** What init asks the host during the conversation. The order and the answers are drawn in core/host/conversation.ts. */

export const ASK = {
  /** Write uid_map, gid_map and setgroups of the asking process. */
  idmap: 1,
  /** Put the asking process into the container's cgroup, where only somebody else may (systemd). */
  cgroup: 2,
  /** Move network devices into the asking process' network namespace. */
  netDevices: 3,
  /** Make the mount point of the mount with this number, below the root that is attached. */
  mountpoint: 13,
  /** Map the ids of the mount with this number, whose copy is attached. */
  mapIds: 15,
  /** Tell the mode of the directory that is attached, as text. */
  mode: 14,
  /** Copy what a tmpfs hides into it: two messages, the hidden directory first. */
  copyFrom: 4,
  copyTo: 5,
  /** Run the prestart and createRuntime hooks. */
  createRuntimeHooks: 6,
  /** Run the createContainer hooks. */
  createContainerHooks: 7,
  /** Find the home directory in the passwd file that is attached. */
  home: 8,
  /** Take the terminal that is attached. */
  console: 9,
  /** Everything is prepared: write state.json. */
  ready: 10,
  /** Set the resource limits (rlimits) that the process of a user namespace may not set itself. */
  rlimits: 11,
  /** Hand the listener of the seccomp filter, a descriptor of the asking process whose number is with it, to the agent. */
  seccomp: 12,
} as const;

/** The name of an ask. */
export type AskName = keyof typeof ASK;

/** The name of an ask by its code. */
export function askName(code: number): AskName | undefined {
  return (Object.keys(ASK) as AskName[]).find((name) => ASK[name] === code);
}

/** Bytes of the answer to `mode`: octal digits and NULs. */
export const MODE_BYTES = 8;

/** Bytes that the answer to `home` may have: "HOME=" and a path. */
export const HOME_BYTES = 4096;
