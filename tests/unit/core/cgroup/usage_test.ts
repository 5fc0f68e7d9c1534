import { assertEquals } from "@std/assert";
import { NO_BLKIO, NO_CPUSET } from "../../../../core/cgroup/stats.ts";
import { cgroupStats } from "../../../../core/cgroup/usage.ts";
import { withTree } from "./tree.ts";

const MAX = 2n ** 64n - 1n;

Deno.test("cgroupStats() reads the files of v1", () => {
  const files = {
    "cpu/cpu.stat": "nr_periods 4\nnr_throttled 2\nthrottled_time 300\n",
    "cpuacct/cpuacct.usage": "1000\n",
    "cpuacct/cpuacct.usage_percpu": "600 400 \n",
    "cpuacct/cpuacct.usage_all": "cpu user system\n0 500 100\n1 300 100\n",
    "cpuacct/cpuacct.stat": "user 7\nsystem 3\n",
    "memory/memory.stat": "cache 10\nrss 20\n",
    "memory/memory.usage_in_bytes": "30\n",
    "memory/memory.limit_in_bytes": "9223372036854771712\n",
    "memory/memory.max_usage_in_bytes": "40\n",
    "memory/memory.failcnt": "5\n",
    "pids/pids.current": "3\n",
    "pids/pids.max": "max\n",
    "blkio/blkio.bfq.io_serviced_recursive": "8:0 Read 5\n8:0 Total 5\nTotal 5\n",
    "blkio/blkio.bfq.io_service_bytes_recursive": "8:0 Read 4096\nTotal 4096\n",
  };
  withTree(files, ({ path }) => {
    const names = ["cpu", "cpuacct", "memory", "pids", "blkio", "devices"];
    const stats = cgroupStats({ paths: Object.fromEntries(names.map((name) => [name, `${path}/${name}`])) });
    assertEquals(stats, {
      cpu: {
        usage: {
          total: 1000n,
          percpu: [600n, 400n],
          percpuKernel: [100n, 100n],
          percpuUser: [500n, 300n],
          kernel: 30_000_000n,
          user: 70_000_000n,
        },
        throttling: { periods: 4n, throttledPeriods: 2n, throttledTime: 300n },
      },
      cpuset: NO_CPUSET,
      memory: {
        cache: 10n,
        usage: { limit: 9223372036854771712n, usage: 30n, max: 40n, failcnt: 5n },
        swap: { limit: 0n, usage: 0n, max: 0n, failcnt: 0n },
        kernel: { limit: 0n, usage: 0n, max: 0n, failcnt: 0n },
        kernelTCP: { limit: 0n, usage: 0n, max: 0n, failcnt: 0n },
        raw: { cache: 10n, rss: 20n },
      },
      pids: { current: 3n, limit: 0n },
      blkio: {
        ...NO_BLKIO,
        ioServicedRecursive: [
          { major: 8n, minor: 0n, op: "Read", value: 5n },
          { major: 8n, minor: 0n, op: "Total", value: 5n },
        ],
        ioServiceBytesRecursive: [{ major: 8n, minor: 0n, op: "Read", value: 4096n }],
      },
      hugetlb: {},
    });
  });
});

Deno.test("cgroupStats() reads the files of v2", () => {
  const files = {
    "cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 1\nnr_throttled 1\nthrottled_usec 9\n",
    "cpu.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=7\n",
    "memory.stat": "anon 1\nfile 2\n",
    "memory.current": "100\n",
    "memory.max": "500\n",
    "memory.peak": "200\n",
    "memory.swap.current": "10\n",
    "memory.swap.max": "max\n",
    "pids.current": "2\n",
    "pids.max": "9\n",
    "io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n",
    "rdma.current": "mlx hca_handle=1 hca_object=2\n",
    "rdma.max": "mlx hca_handle=max hca_object=5\n",
    "misc.current": "res_a 3\n",
    "misc.events": "res_a.max 4\n",
  };
  withTree(files, ({ path }) => {
    const { cpu, memory, pids, blkio, rdma, misc } = cgroupStats({ paths: { "": path } });
    assertEquals(cpu, {
      usage: { total: 5000n, percpu: [], percpuKernel: [], percpuUser: [], kernel: 2000n, user: 3000n },
      throttling: { periods: 1n, throttledPeriods: 1n, throttledTime: 9000n },
      psi: {
        some: { avg10: 1.5, avg60: 0, avg300: 0, total: 7n },
        full: { avg10: 0, avg60: 0, avg300: 0, total: 0n },
      },
    });
    assertEquals(memory.usage, { limit: 500n, usage: 100n, max: 200n, failcnt: 0n });
    assertEquals(memory.swap, { limit: MAX, usage: 110n, max: 0n, failcnt: 0n });
    assertEquals([memory.cache, memory.raw], [2n, { anon: 1n, file: 2n }]);
    assertEquals(pids, { current: 2n, limit: 9n });
    const entry = { major: 8n, minor: 0n };
    assertEquals(blkio.ioServiceBytesRecursive, [{ ...entry, op: "Read", value: 1n }, {
      ...entry,
      op: "Write",
      value: 2n,
    }]);
    assertEquals(blkio.ioServicedRecursive, [{ ...entry, op: "Read", value: 3n }, {
      ...entry,
      op: "Write",
      value: 4n,
    }]);
    assertEquals(rdma, {
      current: [{ device: "mlx", hcaHandles: 1n, hcaObjects: 2n }],
      limit: [{ device: "mlx", hcaHandles: 4294967295n, hcaObjects: 5n }],
    });
    assertEquals(misc, { res_a: { usage: 3n, events: 4n } });
  });
});

Deno.test("cgroupStats() counts processes where the pids controller is not enabled", () => {
  withTree({ "cgroup.procs": "1\n7\n" }, ({ path }) => {
    assertEquals(cgroupStats({ paths: { "": path } }).pids, { current: 2n, limit: 0n });
  });
});
