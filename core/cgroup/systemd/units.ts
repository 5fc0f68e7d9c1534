/** Making, changing and ending the unit of a container. runc's docs/systemd.md, org.freedesktop.systemd1(5) */

import { RunoError } from "../../error.ts";
import { isNoSuchUnit, isUnitExists, type Systemd } from "./connection.ts";
import type { Property } from "./properties.ts";
import { isSlice, type Unit } from "./unit.ts";

/**
 * Starts the unit with a process in it, or without where it is a slice: that is for the caller to put there. One call
 * carries all the properties.
 * @param properties limits and whatever else is asked for: they come last, and so win
 * @throws {RunoError} and there is no such unit
 */
export function startUnit(systemd: Systemd, unit: Unit, pid: number, properties: readonly Property[]): void {
  const all = [...unitProperties(unit, pid), ...properties];
  const start = () => {
    // "replace" is the mode in which a job takes the place of another for the same unit; the last array is for other units
    systemd.job(unit.name, "StartTransientUnit", "ssa(sv)a(sa(sv))", [unit.name, "replace", all.map(variant), []]);
  };
  try {
    try {
      start();
    } catch (error) {
      if (!isUnitExists(error)) throw error;
      // one that has failed stays in systemd's memory, under its name, until it is reset
      resetFailed(systemd, unit);
      start();
    }
  } catch (error) {
    resetFailed(systemd, unit);
    throw new RunoError(`starting systemd unit "${unit.name}"`, {
      cause: error,
      ...isUnitExists(error) ? { kind: "exists", hint: `see \`systemctl status ${unit.name}\`` } : {},
    });
  }
}

function unitProperties(unit: Unit, pid: number): Property[] {
  return [
    ["Description", "s", `runo container ${unit.container}`],
    ...isSlice(unit)
      ? [["Wants", "as", [unit.slice]] as const]
      : [["Slice", "s", unit.slice] as const, ["Delegate", "b", true] as const, ["PIDs", "au", [pid]] as const],
    ["MemoryAccounting", "b", true],
    ["CPUAccounting", "b", true],
    ["IOAccounting", "b", true],
    ["TasksAccounting", "b", true],
    ["DefaultDependencies", "b", false],
  ];
}

function variant([name, signature, value]: Property): readonly [string, readonly [string, Property[2]]] {
  return [name, [signature, value]];
}

/** Changes properties of a unit until it ends. @throws {RunoError} */
export function changeUnit(systemd: Systemd, unit: Unit, properties: readonly Property[]): void {
  try {
    // true: for as long as this unit lives
    systemd.call("SetUnitProperties", "sba(sv)", [unit.name, true, properties.map(variant)]);
  } catch (error) {
    throw new RunoError(`changing properties of systemd unit "${unit.name}"`, { cause: error });
  }
}

/**
 * Ends the unit and makes systemd forget it; none is fine.
 * @throws {RunoError}
 */
export function stopUnit(systemd: Systemd, unit: Unit): void {
  try {
    systemd.job(unit.name, "StopUnit", "ss", [unit.name, "replace"]);
  } catch (error) {
    if (!isNoSuchUnit(error)) throw new RunoError(`stopping systemd unit "${unit.name}"`, { cause: error });
  }
  resetFailed(systemd, unit);
}

/** Whatever it says: it is there to make the name free, and the next who wants the name will hear why it is not. */
function resetFailed(systemd: Systemd, { name }: Unit): void {
  try {
    systemd.call("ResetFailedUnit", "s", [name]);
  } catch {
    // mostly NoSuchUnit, which is what is wanted
  }
}

/** Moves a process into the unit's cgroup, or one below it ("/sub"), where only systemd may. @throws {RunoError} */
export function attachProcess(systemd: Systemd, unit: Unit, pid: number, below: string): void {
  try {
    systemd.call("AttachProcessesToUnit", "ssau", [unit.name, below, [pid]]);
  } catch (error) {
    throw new RunoError(`attaching process ${pid} to systemd unit "${unit.name}"`, { cause: error });
  }
}
