#!/bin/sh
# Pid 1 of the machine without systemd: pure cgroup v2 with all controllers, and nothing else that uses it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
for link in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${link%:*}" "/dev/${link#*:}"; done
mount -t securityfs securityfs /sys/kernel/security

cgroup2() {
  # as systemd does: cgroup namespaces are borders that processes cannot be moved across
  mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
  # the root cgroup takes processes beside children with controllers; a service's would not: be like one
  mkdir /sys/fs/cgroup/tests
  echo $$ > /sys/fs/cgroup/tests/cgroup.procs
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
  done
}

# as systemd used to do it: some controllers together, with links for each
cgroup1() {
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for controllers in cpuset cpu,cpuacct memory devices freezer net_cls,net_prio blkio pids hugetlb perf_event rdma misc; do
    mkdir "/sys/fs/cgroup/$controllers"
    mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/$controllers"
  done
  for link in cpu cpuacct; do ln -s cpu,cpuacct "/sys/fs/cgroup/$link"; done
  for link in net_cls net_prio; do ln -s net_cls,net_prio "/sys/fs/cgroup/$link"; done
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
}

case " $(cat /proc/cmdline) " in
  *" runo.cgroup=1 "*) cgroup1 ;;
  *) cgroup2 ;;
esac
ip link set lo up
hostname runo-vm
sh /payload/repo/tests/vm/guest/run.sh
