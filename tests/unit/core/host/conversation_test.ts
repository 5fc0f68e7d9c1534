import { assertEquals } from "@std/assert";

import { stepError } from "../../../../core/host/conversation.ts";
import { ERRNO } from "../../../../ffi/abi.ts";
import { Program } from "../../../../core/program/program.ts";
import type { Step } from "../../../../core/program/assembly.ts";

function failing(about: Omit<Step, "phrase"> = {}): Program {
  const p = new Program("x86_64");
  p.emit("umask", [0]);
  p.step('setting the hostname "box"', about);
  p.emit("sethostname", ["box", 3]);
  return p;
}

Deno.test("stepError() names step, object, system call and errno", () => {
  assertEquals(stepError(failing(), 1, ERRNO.EPERM, []).message, 'setting the hostname "box": sethostname: EPERM');
  assertEquals(stepError(failing(), 1, 4000, []).message, 'setting the hostname "box": sethostname: errno 4000');
});

Deno.test("stepError() adds the hint of the errno and the place in config.json", () => {
  const p = failing({ pointer: "/hostname", hints: { EINVAL: "it is longer than 64 bytes" } });
  assertEquals(
    stepError(p, 1, ERRNO.EINVAL, []).message,
    'setting the hostname "box": sethostname: EINVAL (it is longer than 64 bytes; config.json /hostname)',
  );
  assertEquals(
    stepError(p, 1, ERRNO.EPERM, []).message,
    'setting the hostname "box": sethostname: EPERM (config.json /hostname)',
  );
});

Deno.test("stepError() says what the kernel says", () => {
  assertEquals(
    stepError(failing(), 1, ERRNO.EINVAL, ["tmpfs: Unknown parameter 'x'"]).message,
    `setting the hostname "box": sethostname: EINVAL (tmpfs: Unknown parameter 'x')`,
  );
});

Deno.test("stepError() is the whole sentence where callers look for one", () => {
  const p = failing({ sentences: { EPERM: "no such sentence anywhere" }, hints: { EPERM: "unused" } });
  assertEquals(stepError(p, 1, ERRNO.EPERM, []).message, "no such sentence anywhere");
});

Deno.test("stepError() tells a missing answer from an error, and a wrong number from both", () => {
  assertEquals(stepError(failing(), 1, 0, []).message, 'setting the hostname "box": the host went away');
  assertEquals(stepError(failing(), 9, 1, []).message, "container init failed at an unknown step 9");
});

Deno.test("stepError() carries the facts for programs", () => {
  const { step, syscall, errno, pointer } = stepError(failing({ pointer: "/hostname" }), 1, ERRNO.EPERM, []);
  assertEquals(
    { step, syscall, errno, pointer },
    { step: 'setting the hostname "box"', syscall: "sethostname", errno: "EPERM", pointer: "/hostname" },
  );
});
