/** criu/wire.ts against protobuf-es, which reads and writes the same messages by their descriptors. */

import { assertEquals, assertThrows } from "@std/assert";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import { RunoError } from "../../../core/error.ts";
import { CriuCgMode, CriuReqSchema, CriuReqType, CriuRespSchema } from "../../../criu/gen/rpc_pb.ts";
import { decodeResponse, encodeRequest } from "../../../criu/wire.ts";

/** One of every kind of field, and the numbers that are hard to write. */
const OPTS = {
  imagesDirFd: -1,
  pid: 2 ** 31 - 1,
  workDirFd: 300,
  leaveRunning: false,
  shellJob: true,
  logLevel: 4,
  logFile: "dump.log",
  root: `/äöü/${"x".repeat(300)}`,
  parentImg: "",
  ps: { address: "::1", port: 65535 },
  veths: [],
  cpuCap: 0xffffffff,
  execCmd: ["a", "", "c"],
  extMnt: [{ key: "/a", val: "/b" }, { key: "", val: "" }],
  cgRoot: [{ path: "/only" }, { ctrl: "cpu", path: "/both" }],
  inheritFd: [{ key: "pipe:[1]", fd: -(2 ** 31) }],
  manageCgroupsMode: CriuCgMode.IGNORE,
  emptyNs: 0x40000000,
};

Deno.test("encodeRequest() writes what protobuf-es writes", () => {
  for (
    const request of [
      { type: CriuReqType.VERSION },
      { type: CriuReqType.DUMP, opts: OPTS },
      { type: CriuReqType.NOTIFY, notifySuccess: false, keepOpen: true },
      { type: CriuReqType.FEATURE_CHECK, features: { memTrack: true, lazyPages: false } },
    ]
  ) {
    const bytes = encodeRequest(request);
    assertEquals(fromBinary(CriuReqSchema, bytes), create(CriuReqSchema, request));
    assertEquals(bytes, toBinary(CriuReqSchema, create(CriuReqSchema, request)) as Uint8Array<ArrayBuffer>);
  }
});

Deno.test("encodeRequest() leaves out what is undefined", () => {
  const request = { type: CriuReqType.DUMP, opts: { imagesDirFd: 1, root: undefined } };
  assertEquals([...encodeRequest(request)], [8, 1, 18, 2, 8, 1]);
});

Deno.test("decodeResponse() reads what protobuf-es writes, and only what is set", () => {
  for (
    const response of [
      { type: CriuReqType.DUMP, success: true, dump: { restored: false } },
      { type: CriuReqType.RESTORE, success: false, crErrno: -5, crErrmsg: "Error (criu/ä.c): no" },
      { type: CriuReqType.NOTIFY, success: true, notify: { script: "setup-namespaces", pid: 4194304 } },
      { type: CriuReqType.FEATURE_CHECK, success: true, features: { memTrack: false, pidfdStore: true } },
      { type: CriuReqType.VERSION, success: true, version: { majorNumber: 4, minorNumber: 2, gitid: "v4.2-1" } },
    ]
  ) {
    assertEquals(decodeResponse(toBinary(CriuRespSchema, create(CriuRespSchema, response))), response);
  }
});

Deno.test("decodeResponse() passes over what it does not know", () => {
  const known = [8, 1, 16, 1];
  const unknown = [[0xf8, 7, 5], [0xfa, 7, 2, 1, 2], [0xf9, 7, 1, 2, 3, 4, 5, 6, 7, 8], [0xfd, 7, 1, 2, 3, 4]];
  const response = { type: CriuReqType.DUMP, success: true };
  for (const field of unknown) assertEquals(decodeResponse(Uint8Array.from([...field, ...known])), response);
  // a string where there should be a number
  assertEquals(decodeResponse(Uint8Array.from([...known, 0x3a, 1, 65])), response);
});

Deno.test("decodeResponse() refuses what is cut short or no message", () => {
  for (const bytes of [[8], [0x2a, 5, 1], [0x2a, 2, 10, 9], [0x0b], Array(12).fill(0xff)]) {
    assertThrows(() => decodeResponse(Uint8Array.from(bytes)), RunoError, "no message of its interface");
  }
});
