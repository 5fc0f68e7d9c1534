import { assertEquals, assertThrows } from "@std/assert";
import { create } from "@bufbuild/protobuf";

import { RunoError } from "../../../core/error.ts";
import { CriuReqSchema, CriuReqType } from "../../../criu/gen/rpc_pb.ts";
import { ask, CriuError } from "../../../criu/session.ts";
import { SyscallError } from "../../../ffi/call.ts";
import { type Answer, FakeCriu } from "./support/fake_criu.ts";

const DUMP = create(CriuReqSchema, { type: CriuReqType.DUMP });

function dumping(answer: Answer): FakeCriu {
  return new FakeCriu({ answers: { DUMP: answer } });
}

function notify(script: string) {
  return { type: "NOTIFY", success: true, notify: { script, pid: 7 } };
}

Deno.test("ask() answers every notification, in their order", () => {
  using criu = dumping([notify("pre-dump"), notify("post-dump"), { type: "DUMP", success: true }]);
  const heard: string[] = [];
  const response = ask(criu.path, DUMP, { notified: ({ script, pid }) => heard.push(`${script} ${pid}`) });
  assertEquals(response.type, CriuReqType.DUMP);
  assertEquals(heard, ["pre-dump 7", "post-dump 7"]);
});

Deno.test("ask() uses the time until CRIU reports for the first time", () => {
  using criu = dumping([notify("pre-dump"), { type: "DUMP", success: true }]);
  const happened: string[] = [];
  ask(criu.path, DUMP, { notified: () => happened.push("report"), meanwhile: () => happened.push("meanwhile") });
  assertEquals([...new Set(happened)], ["meanwhile", "report"]);
  assertEquals(happened.at(-1), "report");
});

Deno.test("ask() throws what CRIU says", () => {
  using criu = dumping([{ type: "DUMP", success: false, crErrno: 3, crErrmsg: "no such process" }]);
  assertThrows(() => ask(criu.path, DUMP), CriuError, "criu failed: type DUMP errno 3 (ESRCH): no such process");
  using nameless = dumping([{ type: "DUMP", success: false, crErrno: 56 }]);
  assertEquals(assertThrows(() => ask(nameless.path, DUMP), CriuError).message, "criu failed: type DUMP errno 56");
});

Deno.test("ask() tells CRIU of a failure, waits for its end, and throws the failure itself", () => {
  using criu = dumping([notify("setup"), notify("later"), { type: "DUMP", success: false }]);
  const heard: string[] = [];
  const failing = () =>
    ask(criu.path, DUMP, {
      notified: ({ script }) => {
        heard.push(script);
        throw new RunoError("hook said no");
      },
    });
  const error = assertThrows(failing, RunoError);
  assertEquals(error.message, "hook said no");
  // what comes after the failure is not acted on
  assertEquals(heard, ["setup"]);
});

Deno.test("ask() throws CRIU's end, not that the process it had named is gone", () => {
  const notified = () => {
    throw new SyscallError("setns", [], 3);
  };
  using ended = dumping([notify("setup")]);
  assertThrows(() => ask(ended.path, DUMP, { notified }), CriuError, "it went away");
  using refused = dumping([notify("setup"), { type: "DUMP", success: false, crErrno: 3 }]);
  assertThrows(() => ask(refused.path, DUMP, { notified }), CriuError, "criu failed: type DUMP errno 3 (ESRCH)");
});

Deno.test("ask() does not wait for a CRIU that has ended", () => {
  for (
    const [answer, words] of [[{ exit: 3, say: "oops" }, "exit status 3): oops"], [
      { signal: "SIGKILL" },
      "signal: 9",
    ]] as const
  ) {
    using criu = dumping(answer);
    assertThrows(() => ask(criu.path, DUMP), CriuError, words);
  }
});

Deno.test("ask() does not take a bad end for success", () => {
  using criu = new FakeCriu({ answers: { DUMP: [{ type: "DUMP", success: true }] } });
  assertEquals(ask(criu.path, DUMP).success, true);
  Deno.writeTextFileSync(criu.path, Deno.readTextFileSync(criu.path).replace("exec ", "").concat("exit 5\n"));
  assertThrows(() => ask(criu.path, DUMP), CriuError, "criu failed: exit status 5");
});

Deno.test("ask() names a program that cannot be executed", () => {
  assertThrows(() => ask("/nowhere/criu", DUMP), RunoError, 'executing "/nowhere/criu": execve: ENOENT');
});
