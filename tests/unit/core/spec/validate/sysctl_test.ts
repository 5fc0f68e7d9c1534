import { type Changes, errors, namespaces } from "../config.ts";

const sysctl = (key: string, ...types: string[]): Changes => ({
  "linux.sysctl": { [key]: "1" },
  "linux.namespaces": namespaces("mount", ...types),
  hostname: undefined,
});
errors("checks sysctls", [
  [sysctl("kernel.shmmax", "ipc")],
  [sysctl("fs/mqueue/msg_max", "ipc")],
  [sysctl("net.ipv4.ip_forward", "network")],
  [sysctl("net/ipv4/conf/eno2.100/rp_filter", "network")],
  [sysctl("kernel.domainname", "uts")],
  [
    sysctl("kernel/sem"),
    '/linux/sysctl/kernel~1sem: sysctl "kernel.sem" is not allowed in the hosts ipc namespace',
  ],
  [
    sysctl("net.core.somaxconn"),
    '/linux/sysctl/net.core.somaxconn: sysctl "net.core.somaxconn" not allowed in host network namespace',
  ],
  [
    sysctl("kernel.hostname", "uts"),
    '/linux/sysctl/kernel.hostname: sysctl "kernel.hostname" is not allowed as it conflicts with the OCI ' +
    '"hostname" field',
  ],
  [
    sysctl("kernel.domainname"),
    '/linux/sysctl/kernel.domainname: sysctl "kernel.domainname" is not in a separate kernel namespace',
  ],
  [
    sysctl("user.max_user_namespaces"),
    "/linux/sysctl/user.max_user_namespaces: setting ucounts without a user namespace not allowed: " +
    "user.max_user_namespaces",
  ],
  [
    sysctl("vm.swappiness"),
    '/linux/sysctl/vm.swappiness: sysctl "vm.swappiness" is not in a separate kernel namespace',
  ],
  [
    sysctl("net/../kernel/sysrq", "network"),
    '/linux/sysctl/net~1..~1kernel~1sysrq: sysctl "net.//.kernel.sysrq" has an empty part',
  ],
]);
