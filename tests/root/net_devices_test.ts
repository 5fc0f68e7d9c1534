import { assertEquals, assertStringIncludes } from "@std/assert";

import { failed, namespaces, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";

/** Runs a container in a network namespace of the test's own that has the devices which the commands make. */
async function inNetwork(box: Sandbox, commands: string, script: string, changes: Record<string, unknown>) {
  box.configure({ "process.args": ["sh", "-c", script], ...changes });
  const through = `unshare --net sh -ec '${commands}; "$0" "$@"'`;
  return await box.runo(["run", "--bundle", box.bundle, box.id], { through });
}

// a pair, of which one end moves
const PAIR = "ip link add net0 type veth peer name peer0; ip link set net0 up";

rootTest("run() moves network devices into the container, and brings them up", async () => {
  await using box = sandbox();
  const result = await inNetwork(
    box,
    PAIR,
    "ifconfig net0 | head -n 1; ls /sys/class/net | wc -l; ifconfig net0 | grep UP",
    {
      "linux.netDevices": { net0: {} },
    },
  );
  const printed = succeeded(result);
  assertStringIncludes(printed, "net0");
  assertStringIncludes(printed, "\n2\n");
  assertStringIncludes(printed, "UP");
});

rootTest("run() keeps MAC, MTU and the permanent global addresses of a device, and renames it", async () => {
  await using box = sandbox();
  const commands =
    `${PAIR}; ip link set net0 mtu 1789 address 00:11:22:33:44:55; ip addr add 169.254.169.77/32 dev net0; ip addr add 10.9.8.7/24 broadcast 10.9.8.255 dev net0; ip addr add 127.9.9.9/32 scope host dev net0; ip -6 addr add 2001:db8::1234/64 nodad dev net0`;
  const result = await inNetwork(box, commands, "ip addr show inside", {
    "linux.netDevices": { net0: { name: "inside" } },
  });
  const text = succeeded(result);
  for (
    const words of [
      "mtu 1789",
      "00:11:22:33:44:55",
      "169.254.169.77/32",
      "10.9.8.7/24 brd 10.9.8.255",
      "2001:db8::1234/64",
      "UP",
    ]
  ) {
    assertStringIncludes(text, words);
  }
  assertEquals(text.includes("127.9.9.9"), false);
});

rootTest("run() lets the kernel number the names of a template", async () => {
  await using box = sandbox();
  const commands = `${PAIR}; ip link add net1 type veth peer name peer1; ip addr add 10.1.1.1/24 dev net1`;
  const devices = { net0: { name: "eth%d" }, net1: { name: "eth%d" } };
  const text = succeeded(
    await inNetwork(box, commands, "ls /sys/class/net; ip addr show eth1", { "linux.netDevices": devices }),
  );
  assertStringIncludes(text, "eth0\neth1\nlo\n");
  assertStringIncludes(text, "10.1.1.1/24");
});

rootTest("run() moves devices into a network namespace that it joins", async () => {
  await using box = sandbox();
  const path = `${box.dir}/net`;
  Deno.writeTextFileSync(path, "");
  const list = [...namespaces("pid", "mount", "ipc", "uts"), { type: "network", path }];
  box.configure({
    "process.args": ["ls", "/sys/class/net"],
    "linux.namespaces": list,
    "linux.netDevices": { net0: {} },
  });
  const setup = `unshare --net=${path} true`;
  const through = `unshare --net sh -ec '${PAIR}; "$0" "$@"'`;
  const result = await box.runo(["run", "--bundle", box.bundle, box.id], {
    through: `unshare --mount --propagation private sh -ec "${setup}; ${
      through.replaceAll('"', '\\"').replaceAll("$", "\\$")
    } \\"\\$0\\" \\"\\$@\\""`,
  });
  assertStringIncludes(succeeded(result), "net0");
});

rootTest("run() says which network device cannot be moved, and leaves nothing", async () => {
  await using box = sandbox();
  const missing = failed(await inNetwork(box, "true", "true", { "linux.netDevices": { nodev0: {} } }));
  assertStringIncludes(missing, '"nodev0"');
  assertStringIncludes(missing, "the host has no network device");
  const taken = failed(await inNetwork(box, PAIR, "true", { "linux.netDevices": { net0: { name: "lo" } } }));
  assertStringIncludes(taken, "already");
  assertStringIncludes(
    await box.refused({ "linux.netDevices": { net0: { name: "a-name-that-is-too-long" } } }),
    "/linux/netDevices",
  );
  const host = namespaces("pid", "mount", "ipc", "uts");
  assertStringIncludes(
    await box.refused({ "linux.netDevices": { net0: {} }, "linux.namespaces": host }),
    "NET namespace",
  );
  assertEquals(box.leftovers(), []);
});
