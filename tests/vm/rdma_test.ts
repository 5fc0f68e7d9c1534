/** Debian's kernel for all machines, which has an RDMA device in software: limits of the rdma controller, in v2 and in v1. */

import { registerLane } from "./machine.ts";

const LANE = { systemd: false, files: ["tests/vm/guest/rdma.ts"], kernel: "generic" } as const;

await registerLane({ ...LANE, name: "rdma2" });
await registerLane({ ...LANE, name: "rdma1", kernelArguments: ["runo.cgroup=1"] });
