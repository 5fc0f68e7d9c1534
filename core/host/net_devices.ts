/** Network devices of the host, moved into the container's network namespace. runtime-spec config-linux.md, "Network Devices" */

import { IFF_UP } from "../../ffi/abi.ts";
import type { Fd } from "../../ffi/fd.ts";
import * as netlink from "../../ffi/netlink.ts";
import { RunoError } from "../error.ts";
import type { NetDevice } from "../spec/types.ts";

/** Where the devices go. */
export interface NetworkPlace {
  /** A process in the namespace. */
  readonly pid: number;
  /** A route netlink socket of the namespace. */
  readonly socket: Fd;
}

/**
 * Moves each device with its permanent global addresses, and brings it up there.
 * @throws {RunoError} at the first that cannot be moved
 */
export function moveNetDevices(devices: Readonly<Record<string, NetDevice>>, place: NetworkPlace): void {
  using host = netlink.routeSocket();
  for (const [name, { name: inside = name }] of Object.entries(devices)) {
    try {
      move(host, name, inside, place);
    } catch (error) {
      throw new RunoError(`moving network device "${name}" into the container as "${inside}"`, {
        cause: error,
        pointer: `/linux/netDevices/${name}`,
        hint: hintOf(error, name, inside),
      });
    }
  }
}

function move(host: Fd, name: string, inside: string, { pid, socket }: NetworkPlace): void {
  const index = netlink.links(host, name)[0]!.index;
  // before it goes down: then the kernel drops those of IPv6
  const addresses = netlink.addresses(host).filter((address) => address.index === index && isPermanent(address));
  const before = new Set(netlink.links(socket).map((link) => link.index));
  netlink.changeLink(host, index, { mask: IFF_UP });
  // in one request, so that the name can clash with nothing on the way
  netlink.changeLink(host, index, { name: inside, pid });
  // found by what is new: the kernel may have numbered its name, and may have given it another index
  const arrived = netlink.links(socket).find((link) => !before.has(link.index));
  if (arrived === undefined) throw new RunoError("it did not arrive");
  for (const address of addresses) netlink.addAddress(socket, { ...carried(address), index: arrived.index });
  netlink.changeLink(socket, arrived.index, { flags: IFF_UP, mask: IFF_UP });
}

/** Those that somebody has set, and that mean something elsewhere. */
function isPermanent({ scope, attributes }: netlink.Address): boolean {
  const flags = attributes.get(netlink.IFA_FLAGS);
  if (flags === undefined || scope !== netlink.RT_SCOPE_UNIVERSE) return false;
  return (new DataView(flags.buffer, flags.byteOffset).getUint32(0, true) & netlink.IFA_F_PERMANENT) !== 0;
}

function carried(address: netlink.Address): netlink.Address {
  const kept = [netlink.IFA_ADDRESS, netlink.IFA_LOCAL, netlink.IFA_BROADCAST].flatMap((type) => {
    const value = address.attributes.get(type);
    return value === undefined ? [] : [[type, value] as const];
  });
  return { ...address, attributes: new Map(kept) };
}

function hintOf(error: unknown, name: string, inside: string): string | undefined {
  const errno = error instanceof Error && "errno" in error ? error.errno : undefined;
  if (errno === "ENODEV") return `the host has no network device "${name}"`;
  if (errno === "EEXIST") return `the container has a network device "${inside}" already`;
  return undefined;
}
