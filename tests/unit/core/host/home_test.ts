import { assertEquals } from "@std/assert";

import { homeOf, homeVariable } from "../../../../core/host/home.ts";
import { memoryFile } from "../../../../ffi/file.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/evil:\nuser:x:1000:1000::/home/user:/bin/sh\nshort:x:5\n";

Deno.test("homeOf() goes by the number of the user, not by a name that looks like one", () => {
  assertEquals([homeOf(PASSWD, 0), homeOf(PASSWD, 1000), homeOf(PASSWD, 5), homeOf(PASSWD, 7), homeOf("", 0)], [
    ...["/root", "/home/user", undefined, undefined, undefined],
  ]);
  assertEquals(homeOf("nohome:x:3:3:::\n", 3), undefined);
});

/** The variable for the text of a passwd file. */
function variable(text: string, uid: number): string {
  using file = memoryFile("passwd", new TextEncoder().encode(text));
  const answer = homeVariable(file, uid);
  return new TextDecoder().decode(answer.subarray(0, answer.indexOf(0)));
}

Deno.test("homeVariable() is / for a user without an entry, and for one that cannot be", () => {
  assertEquals([variable(PASSWD, 1000), variable(PASSWD, 7)], ["HOME=/home/user", "HOME=/"]);
  assertEquals(variable(`a:x:1:1::/${"x".repeat(5000)}:\n`, 1), "HOME=/");
});
