// The interpreter of programs, aarch64. What x86_64.s says of instructions and state holds here too, line by line.
//
// x19 instruction   x20 state   x21 first instruction   x22 first argument   x0 to x5 arguments, then x0 result

.set NUMBER, 0
.set POLICY, 4
.set SAVE, 5
.set ERRNO, 6
.set JUMP, 8
.set IN_REGISTERS, 12
.set CONTEXT, 13
.set ARGUMENTS, 16
.set SIZE_SHIFT, 6

.set SOCKET, 8
.set REPORT, 512
.set REPORT_SIZE, 12
.set LOG, 524
.set LOG_TEXT, 528
.set LOG_SIZE, 496

.set IGNORE_ANY, 1
.set IGNORE_ERRNO, 2
.set JUMP_ON_ERRNO, 3
.set JUMP_ON_ANY, 4
.set JUMP_IF_ZERO, 5
.set FAIL_IF_ZERO, 6
.set PSEUDO, 0x1000

.set SYS_read, 63
.set SYS_write, 64
.set SYS_exit_group, 94
.set EINTR, 4
.set MAX_ERRNO, 4095

start:
  b begin
.balign 8
on_signal:
  add w0, w0, #128
  mov x8, #SYS_exit_group
  svc #0
  udf #0

begin:
  ldr x20, state
  adr x21, program
  mov x19, x21

next:
  ldrb w9, [x19, #IN_REGISTERS]
.macro argument k
  ldr x\k, [x19, #ARGUMENTS + 8 * \k]
  tbz w9, #\k, 1f
  ldr x\k, [x20, x\k, lsl #3]
1:
.endm
  argument 0
  argument 1
  argument 2
  argument 3
  argument 4
  argument 5
  mov x22, x0

again:
  ldr w8, [x19, #NUMBER]
  cmp w8, #PSEUDO
  b.hs pseudo
  svc #0
  ldrb w9, [x19, #POLICY]
  cmn x0, #MAX_ERRNO
  b.hs error
  cbnz x0, save
  cmp w9, #JUMP_IF_ZERO
  b.eq jump_with_result
  cmp w9, #FAIL_IF_ZERO
  b.eq fail

save:
  ldrb w10, [x19, #SAVE]
  str x0, [x20, x10, lsl #3]
advance:
  add x19, x19, #1 << SIZE_SHIFT
  b next

pseudo:
  subs w8, w8, #PSEUDO
  b.eq jump
  subs w8, w8, #1
  b.eq store32
  subs w8, w8, #1
  b.eq load32
  subs w8, w8, #1
  b.eq save                               // move: the argument is where a result would be
  cmp x0, x1                              // jump_if_equal
  b.eq jump
  b advance
store32:
  str w0, [x1]
  b advance
load32:
  ldrsw x0, [x0]
  b save

error:
  cmn w0, #EINTR                           // the kernel took the first argument's place alone
  b.eq interrupted
  cmp w9, #IGNORE_ANY
  b.eq save
  cmp w9, #JUMP_ON_ANY
  b.eq jump_with_result
  ldrh w10, [x19, #ERRNO]
  cmn w10, w0                             // 0: it is the errno that the policy is about
  b.ne fail
  cmp w9, #IGNORE_ERRNO
  b.eq save
  cmp w9, #JUMP_ON_ERRNO
  b.ne fail
jump_with_result:
  ldrb w10, [x19, #SAVE]
  str x0, [x20, x10, lsl #3]
jump:
  ldr w10, [x19, #JUMP]
  add x19, x21, x10, lsl #SIZE_SHIFT
  b next

interrupted:
  mov x0, x22
  b again

fail:
  neg w0, w0
  str w0, [x20, #REPORT + 8]
  sub x10, x19, x21
  lsr x10, x10, #SIZE_SHIFT
  str w10, [x20, #REPORT + 4]
  ldrb w9, [x19, #CONTEXT]
  cbz w9, report
  ldr x22, [x20, x9, lsl #3]
log:                                      // one message at a time, until ENODATA
  mov x0, x22
  add x1, x20, #LOG_TEXT
  mov x2, #LOG_SIZE
  mov w8, #SYS_read
  svc #0
  cmp x0, #0
  b.le report
  add x2, x0, #LOG_TEXT - LOG
  ldr x0, [x20, #SOCKET]
  add x1, x20, #LOG
  mov w8, #SYS_write
  svc #0
  b log
report:
  ldr x0, [x20, #SOCKET]
  add x1, x20, #REPORT
  mov x2, #REPORT_SIZE
  mov w8, #SYS_write
  svc #0
  mov x0, #1
  mov w8, #SYS_exit_group
  svc #0
  udf #0                                   // a seccomp filter may refuse to let it end

.balign 8
state:                                    // image.ts appends the address of the state
.set program, state + 8                   // and the instructions
