/** Names of units: what `linux.cgroupsPath` means to the systemd driver. systemd.unit(5), systemd.slice(5), runc's rules. */

import { RunoError } from "../../error.ts";

/** Which systemd: that of the machine, or that of an ordinary user. */
export type Instance = "system" | "user";

/** The unit that a container's cgroup belongs to. */
export interface Unit {
  /** "runc-ID.scope", or the name of a slice. */
  readonly name: string;
  /** The slice that it is in. */
  readonly slice: string;
  /** What the container is called. */
  readonly container: string;
}

/**
 * The unit of a "slice:prefix:name".
 * @param defaults.slice where it goes when it does not say
 * @throws {RunoError} `invalid`
 */
export function unitOf(cgroupsPath: string | undefined, defaults: { id: string; slice: string }): Unit {
  const parts = cgroupsPath === undefined || cgroupsPath === "" ? ["", "runc", defaults.id] : cgroupsPath.split(":");
  const [slice = "", prefix = "", container = ""] = parts;
  if (parts.length !== 3) {
    throw new RunoError(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${cgroupsPath}" instead`,
      { kind: "invalid", hint: "config.json /linux/cgroupsPath" },
    );
  }
  const name = container.endsWith(".slice") ? container : `${prefix}-${container}.scope`;
  return { name, slice: slice === "" ? defaults.slice : slice, container };
}

/** Whether the unit is a slice itself, which holds no processes that systemd starts. */
export function isSlice({ name }: Unit): boolean {
  return name.endsWith(".slice");
}

/** Where the unit's cgroup is, below that of its systemd. */
export function unitPath(unit: Unit): string {
  // the dashes of a slice's name say where it is, whatever slice is named beside it
  return isSlice(unit) ? slicePath(unit.name) : `${slicePath(unit.slice)}/${unit.name}`;
}

/**
 * "a-b.slice" is "/a.slice/a-b.slice", "-.slice" the root.
 * @throws {RunoError} `invalid`
 */
export function slicePath(slice: string): string {
  const invalid = () => new RunoError(`invalid slice name: ${slice}`, { kind: "invalid" });
  if (!slice.endsWith(".slice") || slice === ".slice" || slice.includes("/")) throw invalid();
  const name = slice.slice(0, -".slice".length);
  if (name === "-") return "";
  const components = name.split("-");
  if (components.includes("")) throw invalid();
  return components.map((_, i) => `/${components.slice(0, i + 1).join("-")}.slice`).join("");
}
