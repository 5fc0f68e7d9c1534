/** Route netlink: network devices and their addresses. rtnetlink(7) */

import { AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW } from "./abi.ts";
import { call, SyscallError } from "./call.ts";
import { Fd } from "./fd.ts";
import { allocate } from "./memory.ts";
import { IFADDRMSG, IFINFOMSG, NLMSGHDR, RTATTR } from "./structs.ts";

export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;

export const IFLA_IFNAME = 3;
export const IFLA_NET_NS_PID = 19;
export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
export const IFA_BROADCAST = 4;
export const IFA_FLAGS = 8;
export const IFA_F_PERMANENT = 0x80;
export const RT_SCOPE_UNIVERSE = 0;

const NETLINK_ROUTE = 0;
const NLMSG_ERROR = 2, NLMSG_DONE = 3;
const NLM_F_REQUEST = 1, NLM_F_ACK = 4, NLM_F_DUMP = 0x300, NLM_F_CREATE_EXCL = 0x600;
const REPLY_BYTES = 64 * 1024;

/** Attributes by their number. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** A reply: what follows its header. */
export interface Reply {
  readonly body: Uint8Array;
}

/** A device as the kernel describes it. */
export interface Link {
  readonly index: number;
  readonly flags: number;
  readonly attributes: Attributes;
}

/** An address of a device. */
export interface Address {
  readonly family: number;
  readonly prefixLength: number;
  readonly scope: number;
  readonly index: number;
  readonly attributes: Attributes;
}

/** A route netlink socket of this process' network namespace. */
export function routeSocket(): Fd {
  return new Fd(call("socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

/** All devices, or the one of that name. @throws {SyscallError} ENODEV when there is none */
export function links(socket: Fd, name?: string): Link[] {
  const body = concatenate(IFINFOMSG.pack({}), name === undefined ? [] : [attribute(IFLA_IFNAME, cName(name))]);
  return request(socket, RTM_GETLINK, body, name === undefined ? NLM_F_DUMP : 0).map(({ body }) => {
    const { index, flags } = IFINFOMSG.read(body);
    return { index, flags, attributes: readAttributes(body.subarray(IFINFOMSG.size)) };
  });
}

/** All addresses of all devices. */
export function addresses(socket: Fd): Address[] {
  return request(socket, RTM_GETADDR, IFADDRMSG.pack({}), NLM_F_DUMP).map(({ body }) => {
    const { family, prefixlen, scope, index } = IFADDRMSG.read(body);
    return { family, prefixLength: prefixlen, scope, index, attributes: readAttributes(body.subarray(IFADDRMSG.size)) };
  });
}

/** Changes a device: its flags, its name, the namespace that it is in. */
export function changeLink(
  socket: Fd,
  index: number,
  { flags = 0, mask = 0, name, pid }: { flags?: number; mask?: number; name?: string; pid?: number },
): void {
  const attributes = [
    ...name === undefined ? [] : [attribute(IFLA_IFNAME, cName(name))],
    ...pid === undefined ? [] : [attribute(IFLA_NET_NS_PID, new Uint8Array(Uint32Array.of(pid).buffer))],
  ];
  request(socket, RTM_NEWLINK, concatenate(IFINFOMSG.pack({ index, flags, change: mask }), attributes), 0);
}

/** Gives a device an address. */
export function addAddress(socket: Fd, { family, prefixLength, scope, index, attributes }: Address): void {
  const body = IFADDRMSG.pack({ family, prefixlen: prefixLength, scope, index });
  const all = Array.from(attributes, ([type, value]) => attribute(type, value));
  request(socket, RTM_NEWADDR, concatenate(body, all), NLM_F_CREATE_EXCL);
}

/** Sends a request and collects the replies. @throws {SyscallError} with the errno that the kernel answers */
function request(socket: Fd, type: number, body: Uint8Array, flags: number): Reply[] {
  const isGet = type === RTM_GETLINK || type === RTM_GETADDR;
  const all = NLM_F_REQUEST | flags | (isGet ? 0 : NLM_F_ACK);
  const header = NLMSGHDR.pack({ len: NLMSGHDR.size + body.length, type, flags: all, seq: 1 });
  const message = concatenate(header, [body]);
  call("sendto", socket.number, message, message.length, 0, 0, 0);
  const replies: Reply[] = [];
  while (!receive(socket, replies, flags === NLM_F_DUMP || !isGet)) continue;
  return replies;
}

/** One datagram of replies. @returns whether it was the last */
function receive(socket: Fd, replies: Reply[], many: boolean): boolean {
  const buffer = allocate(REPLY_BYTES);
  const length = call("recvfrom", socket.number, buffer, buffer.length, 0, 0, 0);
  for (let at = 0; at + NLMSGHDR.size <= length;) {
    const { len, type } = NLMSGHDR.read(buffer.subarray(at));
    const body = buffer.subarray(at + NLMSGHDR.size, at + len);
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) {
      const errno = -new DataView(body.buffer, body.byteOffset).getInt32(0, true);
      if (errno !== 0) throw new SyscallError("sendto", [socket.number], errno);
      return true;
    }
    replies.push({ body });
    at += aligned(len);
  }
  return !many;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(aligned(RTATTR.size + value.length));
  bytes.set(RTATTR.pack({ len: RTATTR.size + value.length, type }));
  bytes.set(value, RTATTR.size);
  return bytes;
}

function readAttributes(bytes: Uint8Array): Attributes {
  const attributes = new Map<number, Uint8Array>();
  for (let at = 0; at + RTATTR.size <= bytes.length;) {
    const { len, type } = RTATTR.read(bytes.subarray(at));
    if (len < RTATTR.size) break;
    attributes.set(type, bytes.subarray(at + RTATTR.size, at + len));
    at += aligned(len);
  }
  return attributes;
}

function concatenate(first: Uint8Array, rest: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = allocate(rest.reduce((size, part) => size + part.length, first.length));
  bytes.set(first);
  let at = first.length;
  for (const part of rest) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const aligned = (length: number) => (length + 3) & ~3;

function cName(name: string): Uint8Array {
  return new TextEncoder().encode(`${name}\0`);
}
