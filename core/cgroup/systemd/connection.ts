/** Finding the systemd that is to make the cgroup, and talking to it. org.freedesktop.systemd1(5) */

import { type Arguments, Bus, BusError, type BusValue } from "../../../ffi/libsystemd.ts";
import { RunoError } from "../../error.ts";
import { exists } from "../files.ts";
import type { Instance } from "./unit.ts";

/** Whose systemd it is, and where its sockets may be. */
export interface Place {
  readonly instance: Instance;
  /** The user of the user instance, as the machine knows it. */
  readonly uid: number;
  readonly env: { get(name: string): string | undefined };
}

/** An address to try. */
export interface Address {
  readonly address: string;
  /** Whether systemd itself is at the other end, and no bus. */
  readonly peer: boolean;
}

const SYSTEMD = "org.freedesktop.systemd1";
const OBJECT = "/org/freedesktop/systemd1";
const MANAGER = `${SYSTEMD}.Manager`;

/** How long a job may take: what runc gives it. */
const JOB_TIMEOUT_MS = 30_000;

/** A connection to systemd. */
export class Systemd implements Disposable {
  readonly #bus: Bus;
  readonly #peer: boolean;
  readonly #jobTimeout: number;
  #listening = false;
  #version: number | undefined;

  /**
   * Connects.
   * @param options.jobTimeout milliseconds that a job may take
   * @throws {RunoError} `unsupported` with what to do about it
   */
  constructor(place: Place, { jobTimeout = JOB_TIMEOUT_MS }: { jobTimeout?: number } = {}) {
    const { address, peer } = findAddress(place);
    try {
      this.#bus = new Bus(address, { peer });
    } catch (error) {
      throw cannotConnect(place, address, error);
    }
    this.#peer = peer;
    this.#jobTimeout = jobTimeout;
  }

  /** Calls a method of the manager. @throws {BusError} */
  call(member: string, signature: string, args: readonly BusValue[], read = ""): Arguments {
    return this.#bus.call({ destination: SYSTEMD, path: OBJECT, interface: MANAGER, member }, signature, args, read);
  }

  /**
   * Calls a method that makes a job for a unit, and waits for the job.
   * @throws {BusError} when the method fails
   * @throws {RunoError} when the job does, or takes too long
   */
  job(unit: string, member: string, signature: string, args: readonly BusValue[]): void {
    this.#listen();
    const [job] = this.call(member, signature, args, "o");
    const number = String(job).slice(String(job).lastIndexOf("/") + 1);
    const what = `job ${number} for systemd unit "${unit}"`;
    const ended = { interface: MANAGER, member: "JobRemoved", types: "uoss" };
    const [, , , result] = this.#bus.signal(ended, ([, ended]) => ended === job, this.#jobTimeout) ?? [];
    if (result === undefined) {
      throw new RunoError(`${what} did not end within ${this.#jobTimeout / 1000} s`, {
        hint: "is systemd busy? see `systemctl list-jobs`",
      });
    }
    if (result !== "done") {
      throw new RunoError(`${what} ended as "${result}"`, { hint: `see \`journalctl -u ${unit}\`` });
    }
  }

  /** Before the job is made, or its end may be missed. systemd as a peer sends everything unasked. */
  #listen(): void {
    if (this.#listening || this.#peer) return;
    const rule = `type='signal',sender='${SYSTEMD}',path='${OBJECT}',interface='${MANAGER}',member='JobRemoved'`;
    this.#bus.call(
      {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "AddMatch",
      },
      "s",
      [rule],
    );
    this.#listening = true;
  }

  #property(name: string): string {
    const properties = "org.freedesktop.DBus.Properties";
    const method = { destination: SYSTEMD, path: OBJECT, interface: properties, member: "Get" };
    return String(this.#bus.call(method, "ss", [MANAGER, name], "vs")[0]);
  }

  /** The major version, of "252.38-1~deb12u1" or "v239". */
  version(): number {
    return this.#version ??= Number(/\d+/.exec(this.#property("Version"))?.[0] ?? 0);
  }

  [Symbol.dispose](): void {
    this.#bus[Symbol.dispose]();
  }
}

/** Whether an error says that there is no such unit. */
export function isNoSuchUnit(error: unknown): boolean {
  return error instanceof BusError && error.reason === `${SYSTEMD}.NoSuchUnit`;
}

/** Whether an error says that a unit of that name is there already. */
export function isUnitExists(error: unknown): boolean {
  return error instanceof BusError && error.reason === `${SYSTEMD}.UnitExists`;
}

function findAddress(place: Place): Address {
  // what sd_booted(3) looks at; the sentence is runc's
  if (place.instance === "system" && !exists("/run/systemd/system")) {
    throw new RunoError("systemd not running on this host, cannot use systemd cgroups manager", {
      kind: "unsupported",
      hint: "leave out --systemd-cgroup",
    });
  }
  const found = addresses(place).find(({ address }) => !address.startsWith("unix:path=") || exists(socketOf(address)));
  if (found !== undefined) return found;
  throw new RunoError(`found no socket of the ${nameOf(place)}`, { kind: "unsupported", hint: advice(place) });
}

function socketOf(address: string): string {
  return address.slice("unix:path=".length).split(",")[0]!;
}

/** The bus first, as it is meant for everyone; systemd's own socket where there is no bus. */
export function addresses({ instance, uid, env }: Place): Address[] {
  const bus = (address: string) => ({ address, peer: false });
  const peer = (path: string) => ({ address: `unix:path=${path}`, peer: true });
  if (instance === "system") {
    return [
      bus(env.get("DBUS_SYSTEM_BUS_ADDRESS") || "unix:path=/run/dbus/system_bus_socket"),
      peer("/run/systemd/private"),
    ];
  }
  const session = env.get("DBUS_SESSION_BUS_ADDRESS");
  const directories = [...new Set([env.get("XDG_RUNTIME_DIR") || [], `/run/user/${uid}`].flat())];
  return [
    ...session ? [bus(session)] : [],
    ...directories.map((directory) => bus(`unix:path=${directory}/bus`)),
    ...directories.map((directory) => peer(`${directory}/systemd/private`)),
  ];
}

function nameOf({ instance, uid }: Place): string {
  return instance === "system" ? "systemd of this machine" : `systemd of user ${uid}`;
}

function cannotConnect(place: Place, address: string, error: unknown): RunoError {
  return new RunoError(`connecting to the ${nameOf(place)} at "${address}"`, {
    kind: "unsupported",
    cause: error,
    hint: error instanceof BusError && error.operation === "opening"
      ? "it needs libsystemd.so.0: install the package libsystemd0 (Debian) or systemd-libs (Fedora)"
      : advice(place),
  });
}

function advice({ instance, uid }: Place): string {
  if (instance === "system") return "is the package dbus installed?";
  return exists(`/run/user/${uid}/systemd`)
    ? "install the package dbus-user-session and log in again"
    : `start it: sudo loginctl enable-linger ${uid}`;
}
