import { assertEquals, assertThrows } from "@std/assert";

import { addresses, IFA_LOCAL, IFLA_IFNAME, links, routeSocket } from "../../../ffi/netlink.ts";

function name(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes).replace(/\0$/, "");
}

Deno.test("links() finds all devices, and one by its name", () => {
  using socket = routeSocket();
  const all = links(socket).map(({ attributes }) => name(attributes.get(IFLA_IFNAME)));
  assertEquals(all.includes("lo"), true);
  const [lo, ...others] = links(socket, "lo");
  assertEquals([name(lo?.attributes.get(IFLA_IFNAME)), others.length], ["lo", 0]);
});

Deno.test("links() says that there is no such device", () => {
  using socket = routeSocket();
  assertThrows(() => links(socket, "no-such-dev"), Error, "ENODEV");
});

Deno.test("addresses() knows to which device each belongs", () => {
  using socket = routeSocket();
  const known = new Set(links(socket).map(({ index }) => index));
  for (const { index, attributes, family } of addresses(socket)) {
    assertEquals(known.has(index), true);
    if (family === 2) assertEquals(attributes.get(IFA_LOCAL)?.length, 4);
  }
});
