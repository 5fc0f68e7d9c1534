#!/bin/sh
# Pid 1 of the machine without systemd: pure cgroup v2 with all controllers, and nothing else that uses it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# the root cgroup takes processes beside children with controllers; a service's would not: be like one
mkdir /sys/fs/cgroup/tests
echo $$ > /sys/fs/cgroup/tests/cgroup.procs
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done
ip link set lo up
hostname runo-vm
sh /payload/repo/tests/vm/guest/run.sh
