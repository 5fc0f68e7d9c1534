// The launcher of the carrier executable, aarch64. scripts/carrier/stub.ts lays out the table behind it and says what it does.
// At entry (from ld.so): sp -> argc, argv.., NULL, envp.., NULL, auxv; x0 = the function that _start registers with atexit.
// Nothing here is writable: what is made is made on the stack, below the block that the kernel laid there.
//
// x19 stub   x20 old block   x21 directory entry   x22 open files entry   x23 table   x24 new envp   x25 saved x0
// x10 read cursor   x11 write cursor

.set ENTRY, 0                           // u64s of the table; offsets count from the first byte of the stub
.set ENVIRON, 8
.set ARGUMENTS, 16
.set ARGUMENT_COUNT, 24
.set VARIABLES, 32
.set VARIABLE_COUNT, 40
.set DROPPED, 48
.set NOFILE, 56
.set NOFILE_LENGTH, 64
.set DIRECTORY, 72
.set DIRECTORY_LENGTH, 80
.set NO_DIRECTORY, 88
.set CONTENT, 96
.set CONTENT_LENGTH, 104
.set CONTENT_NAME, 112
.set SCRATCH, 8192                      // bytes for the two strings made here, a path and the limit
.set PATH_MAX, 4096

.set SYS_getcwd, 17
.set SYS_chdir, 49
.set SYS_openat, 56
.set SYS_close, 57
.set SYS_write, 64
.set SYS_prlimit64, 261
.set SYS_fsopen, 430
.set SYS_fsconfig, 431
.set SYS_fsmount, 432
.set RLIMIT_NOFILE, 7
.set FSOPEN_CLOEXEC, 1
.set FSCONFIG_CMD_CREATE, 6
.set FSMOUNT_CLOEXEC, 1
.set MOUNT_ATTRS, 14                    // NOSUID, NODEV, NOEXEC
.set CREATE_LOW, 0x41                   // O_WRONLY, O_CREAT
.set CREATE_HIGH, 0x8                   // O_CLOEXEC

stub:
  mov x25, x0
  mov x20, sp
  adr x19, stub
  adr x23, table
  mov x11, sp
  sub sp, sp, #SCRATCH

// deno's directory: a file system that only this process has, or where that can not be made one that does not exist
  ldr x21, [x23, #NO_DIRECTORY]
  add x21, x21, x19
  ldr x26, [x23, #CONTENT_LENGTH]
  cbz x26, no_content
  adr x0, tmpfs
  mov x1, #FSOPEN_CLOEXEC
  mov x8, #SYS_fsopen
  svc #0
  tbnz x0, #63, no_content
  mov x27, x0
  mov x1, #FSCONFIG_CMD_CREATE
  mov x2, #0
  mov x3, #0
  mov x4, #0
  mov x8, #SYS_fsconfig
  svc #0
  mov x0, x27
  mov x1, #FSMOUNT_CLOEXEC
  mov x2, #MOUNT_ATTRS
  mov x8, #SYS_fsmount
  svc #0
  mov x28, x0
  mov x0, x27
  mov x8, #SYS_close
  svc #0
  tbnz x28, #63, no_content
  mov x0, x28
  ldr x1, [x23, #CONTENT_NAME]
  add x1, x1, x19
  mov x2, #CREATE_LOW
  movk x2, #CREATE_HIGH, lsl #16
  mov x3, #0600
  mov x8, #SYS_openat
  svc #0
  tbnz x0, #63, no_file
  mov x27, x0
  ldr x9, [x23, #CONTENT]
  add x9, x9, x19
1:
  mov x0, x27
  mov x1, x9
  mov x2, x26
  mov x8, #SYS_write
  svc #0
  cmp x0, #0
  b.le 2f
  add x9, x9, x0
  subs x26, x26, x0
  b.ne 1b
2:
  mov x0, x27
  mov x8, #SYS_close
  svc #0
  cbnz x26, no_file
  strb wzr, [x11, #-1]!
  mov x0, x28
  bl put_number
  ldp x0, x1, [x23, #DIRECTORY]
  bl put_text
  mov x21, x11
  b no_content
no_file:
  mov x0, x28
  mov x8, #SYS_close
  svc #0
no_content:

// the soft limit of open files, which deno raises; without digits when the kernel does not say
  strb wzr, [x11, #-1]!
  mov x0, #0
  mov x1, #RLIMIT_NOFILE
  mov x2, #0
  mov x3, sp
  mov x8, #SYS_prlimit64
  svc #0
  cbnz x0, 1f
  ldr x0, [sp]
  bl put_number
1:
  ldp x0, x1, [x23, #NOFILE]
  bl put_text
  mov x22, x11

// deno refuses to start in a directory that is gone or outside the root: "/" is as good a place for the commands that do not care
  mov x0, sp
  mov x1, #PATH_MAX
  mov x8, #SYS_getcwd
  svc #0
  cmn x0, #2                            // ENOENT
  b.eq 1f
  tbnz x0, #63, 2f
  ldrb w0, [sp]                         // "/", else "(unreachable)"
  cmp w0, #'/'
  b.eq 2f
1:
  adr x0, root
  mov x8, #SYS_chdir
  svc #0
2:

// the end of the old block: argc, argv, envp, auxv
  ldr x9, [x20]
  add x10, x20, x9, lsl #3
  add x10, x10, #16
1:
  ldr x0, [x10], #8
  cbnz x0, 1b
1:
  ldr x0, [x10], #16
  cbnz x0, 1b

// the new block, at most as large as the old one and what is added (argv[0] included, in case argc is 0)
  ldr x0, [x23, #ARGUMENT_COUNT]
  ldr x1, [x23, #VARIABLE_COUNT]
  add x0, x0, x1
  lsl x0, x0, #3
  add x0, x0, #24
  add x0, x0, x10
  sub x0, x0, x20
  mov x11, sp
  sub x11, x11, x0
  and x11, x11, #-16
  mov sp, x11

// argc, argv[0]
  add x10, x20, #8
  ldr x0, [x23, #ARGUMENT_COUNT]
  add x0, x0, x9
  cbz x9, 1f
  ldr x1, [x10], #8
  b 2f
1:
  add x0, x0, #1
  adr x1, empty
2:
  stp x0, x1, [x11], #16

// the inserted arguments, the other arguments
  ldr x0, [x23, #ARGUMENTS]
  bl store_list
1:
  ldr x0, [x10], #8
  str x0, [x11], #8
  cbnz x0, 1b

// the environment: what is added, then the old entries that do not begin with a dropped prefix
  mov x24, x11
  stp x21, x22, [x11], #16
  ldr x0, [x23, #VARIABLES]
  bl store_list
next_variable:
  ldr x0, [x10], #8
  cbz x0, end_of_variables
  ldr x1, [x23, #DROPPED]
  add x1, x1, x19
next_prefix:
  ldrb w2, [x1]
  cbz w2, keep_variable
  mov x3, x0
1:
  ldrb w2, [x1], #1
  cbz w2, next_variable
  ldrb w4, [x3], #1
  cmp w2, w4
  b.eq 1b
1:
  ldrb w2, [x1], #1
  cbnz w2, 1b
  b next_prefix
keep_variable:
  str x0, [x11], #8
  b next_variable
end_of_variables:
  str xzr, [x11], #8

// the auxiliary vector, unchanged, to its end
1:
  ldp x0, x1, [x10], #16
  stp x0, x1, [x11], #16
  cbnz x0, 1b

// libc took the old envp before this entry: give it the new one
  ldr x0, [x23, #ENVIRON]
  ldr x0, [x19, x0]
  str x24, [x0]

  ldr x16, [x23, #ENTRY]
  add x16, x16, x19
  mov x0, x25
  mov x29, #0
  mov x30, #0
  br x16

// put_number(x0): its decimal digits before x11. Takes x0 to x3
put_number:
  mov x1, #10
1:
  udiv x2, x0, x1
  msub x3, x2, x1, x0
  add w3, w3, #'0'
  strb w3, [x11, #-1]!
  mov x0, x2
  cbnz x0, 1b
  ret

// put_text(x0 offset, x1 length): the text before x11. Takes x0 to x2
put_text:
  add x0, x0, x19
1:
  sub x1, x1, #1
  ldrb w2, [x0, x1]
  strb w2, [x11, #-1]!
  cbnz x1, 1b
  ret

// store_list(x0 offset): the addresses of its strings, which an empty one ends, to [x11], x11 onwards. Takes x0, x1
store_list:
  add x0, x0, x19
1:
  ldrb w1, [x0]
  cbz w1, 3f
  str x0, [x11], #8
2:
  ldrb w1, [x0], #1
  cbnz w1, 2b
  b 1b
3:
  ret

tmpfs:
  .asciz "tmpfs"
root:
  .ascii "/"
empty:
  .byte 0
.balign 8
table:
