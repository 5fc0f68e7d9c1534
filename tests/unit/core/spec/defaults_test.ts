import { assertEquals } from "@std/assert";
import { defaultSpec, formatSpec, rootlessSpec } from "../../../../core/spec/defaults.ts";
import { validateSpec } from "../../../../core/spec/validate.ts";

const DEFAULT = `{
	"ociVersion": "1.3.0",
	"process": {
		"terminal": true,
		"user": {
			"uid": 0,
			"gid": 0
		},
		"args": [
			"sh"
		],
		"env": [
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"TERM=xterm"
		],
		"cwd": "/",
		"capabilities": {
			"bounding": [
				"CAP_AUDIT_WRITE",
				"CAP_KILL",
				"CAP_NET_BIND_SERVICE"
			],
			"effective": [
				"CAP_AUDIT_WRITE",
				"CAP_KILL",
				"CAP_NET_BIND_SERVICE"
			],
			"permitted": [
				"CAP_AUDIT_WRITE",
				"CAP_KILL",
				"CAP_NET_BIND_SERVICE"
			]
		},
		"rlimits": [
			{
				"type": "RLIMIT_NOFILE",
				"hard": 1024,
				"soft": 1024
			}
		],
		"noNewPrivileges": true
	},
	"root": {
		"path": "rootfs",
		"readonly": true
	},
	"hostname": "runo",
	"mounts": [
		{
			"destination": "/proc",
			"type": "proc",
			"source": "proc"
		},
		{
			"destination": "/dev",
			"type": "tmpfs",
			"source": "tmpfs",
			"options": [
				"nosuid",
				"strictatime",
				"mode=755",
				"size=65536k"
			]
		},
		{
			"destination": "/dev/pts",
			"type": "devpts",
			"source": "devpts",
			"options": [
				"nosuid",
				"noexec",
				"newinstance",
				"ptmxmode=0666",
				"mode=0620",
				"gid=5"
			]
		},
		{
			"destination": "/dev/shm",
			"type": "tmpfs",
			"source": "shm",
			"options": [
				"nosuid",
				"noexec",
				"nodev",
				"mode=1777",
				"size=65536k"
			]
		},
		{
			"destination": "/dev/mqueue",
			"type": "mqueue",
			"source": "mqueue",
			"options": [
				"nosuid",
				"noexec",
				"nodev"
			]
		},
		{
			"destination": "/sys",
			"type": "sysfs",
			"source": "sysfs",
			"options": [
				"nosuid",
				"noexec",
				"nodev",
				"ro"
			]
		},
		{
			"destination": "/sys/fs/cgroup",
			"type": "cgroup",
			"source": "cgroup",
			"options": [
				"nosuid",
				"noexec",
				"nodev",
				"relatime",
				"ro"
			]
		}
	],
	"linux": {
		"resources": {
			"devices": [
				{
					"allow": false,
					"access": "rwm"
				}
			]
		},
		"namespaces": [
			{
				"type": "pid"
			},
			{
				"type": "network"
			},
			{
				"type": "ipc"
			},
			{
				"type": "uts"
			},
			{
				"type": "mount"
			}
		],
		"maskedPaths": [
			"/proc/acpi",
			"/proc/asound",
			"/proc/kcore",
			"/proc/keys",
			"/proc/latency_stats",
			"/proc/timer_list",
			"/proc/timer_stats",
			"/proc/sched_debug",
			"/sys/firmware",
			"/proc/scsi"
		],
		"readonlyPaths": [
			"/proc/bus",
			"/proc/fs",
			"/proc/irq",
			"/proc/sys",
			"/proc/sysrq-trigger"
		]
	}
}`;

Deno.test("formatSpec() writes the default config as runc does", () => {
  assertEquals(formatSpec(defaultSpec({ cgroupV2: false })), DEFAULT);
});

Deno.test("defaultSpec() adds a cgroup namespace on cgroup v2 only", () => {
  const types = (cgroupV2: boolean) => defaultSpec({ cgroupV2 }).linux?.namespaces?.map(({ type }) => type);
  assertEquals(types(false), ["pid", "network", "ipc", "uts", "mount"]);
  assertEquals(types(true), ["pid", "network", "ipc", "uts", "mount", "cgroup"]);
});

Deno.test("rootlessSpec() changes namespaces, mappings, mounts and resources, nothing else", () => {
  const spec = defaultSpec({ cgroupV2: true });
  const { maskedPaths, readonlyPaths } = spec.linux!;
  const mounts = spec.mounts!.map((mount) => {
    if (mount.destination === "/dev/pts") {
      return { ...mount, options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] };
    }
    if (mount.destination !== "/sys") return mount;
    return {
      destination: "/sys",
      type: "none",
      source: "/sys",
      options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
    };
  });
  const rootless = rootlessSpec(spec, { uid: 1000, gid: 100 });
  assertEquals(rootless, {
    ...spec,
    mounts,
    linux: {
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 100, size: 1 }],
      namespaces: [
        { type: "pid" },
        { type: "ipc" },
        { type: "uts" },
        { type: "mount" },
        { type: "cgroup" },
        { type: "user" },
      ],
      maskedPaths: maskedPaths!,
      readonlyPaths: readonlyPaths!,
    },
  });
  assertEquals(Object.keys(rootless), Object.keys(spec));
  assertEquals(Object.keys(rootless.linux!), [
    "uidMappings",
    "gidMappings",
    "namespaces",
    "maskedPaths",
    "readonlyPaths",
  ]);
});

Deno.test("rootlessSpec() gives a config without problems", () => {
  const { errors, warnings } = validateSpec(rootlessSpec(defaultSpec({ cgroupV2: true }), { uid: 1000, gid: 100 }));
  assertEquals([errors, warnings], [[], []]);
});

Deno.test("formatSpec() leaves annotations alone that look like numbers", () => {
  const spec = { ...defaultSpec({ cgroupV2: true }), annotations: { hard: "18446744073709551615" } };
  assertEquals(JSON.parse(formatSpec(spec)).annotations, { hard: "18446744073709551615" });
});
