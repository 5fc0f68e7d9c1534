import { type Changes, errors, namespaces } from "../config.ts";

const device = (...devices: unknown[]): Changes => ({ "linux.devices": devices });
errors("checks devices", [
  [device({ path: "/dev/fuse", type: "c", major: 10, minor: 229 }, { path: "/run/p", type: "p" })],
  [device({ path: "/d", type: "u", major: 1, minor: 3 }, { path: "/d", type: "c", major: 1, minor: 3 })],
  [
    device({ path: "dev/x", type: "x", major: 1, minor: 1 }),
    '/linux/devices/0/type: invalid device type "x"',
    "/linux/devices/0/path: must be an absolute path",
  ],
  [
    device({ path: "/d", type: "b", major: 4096 }),
    "/linux/devices/0/major: must be from 0 to 4095",
    '/linux/devices/0/minor: must be set for a device of type "b"',
  ],
  [
    device({ path: "/d", type: "b", major: 8, minor: 0 }, { path: "//d", type: "b", major: 8, minor: 1 }),
    '/linux/devices/1/path: "/d" is already another device',
  ],
]);

errors("checks network devices", [
  [{ "linux.netDevices": { eth0: {}, eth1: { name: "net%d" }, eth2: { name: "net%d" } } }],
  [
    { "linux.netDevices": { eth0: {} }, "linux.namespaces": namespaces("uts", "mount") },
    "/linux/netDevices: unable to move network devices without a NET namespace",
  ],
  [
    { "linux.netDevices": { "a/b": {}, eth0: { name: "0123456789abcdef" } } },
    '/linux/netDevices/a~1b: invalid network device name "a/b"',
    '/linux/netDevices/eth0/name: invalid network device name "0123456789abcdef"',
  ],
  [
    { "linux.netDevices": { eth0: {}, eth1: { name: "eth0" } } },
    '/linux/netDevices/eth1/name: network device name "eth0" is used twice',
  ],
]);
