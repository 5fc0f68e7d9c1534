# The interpreter of programs, x86-64: what runs in a container until its own program does. See core/program/image.ts.
#
# It has no stack, no library and no variables but its state: it walks the instructions that follow its code.
#
# Instruction, 64 bytes                            State, 1024 bytes
#   0  u32  number of a system call, or a PSEUDO     0    u64[64]  registers; 0: nobody looks, 1: the socket
#   4  u8   policy: what becomes of the result       512  u32      MESSAGE.FAILED: the report begins here
#   5  u8   register that the result goes to         516  u32      instruction that failed
#   6  u16  errno that the policy is about           520  u32      errno, 0: a result of 0 was the failure
#   8  u32  instruction to jump to                   524  u32      MESSAGE.LOG: a message of the log begins here
#   12 u8   bit k: argument k is a register's number 528  u8[496]  its text
#   13 u8   register of an fsopen context, or 0
#   16 u64[6] arguments
#
# r12 instruction   r13 state   rdi rsi rdx r10 r8 r9 arguments, as a system call takes them   rax result

.intel_syntax noprefix
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

.set SYS_read, 0
.set SYS_write, 1
.set SYS_exit_group, 231
.set EINTR, 4
.set MAX_ERRNO, 4095

start:
  jmp begin
.balign 8
on_signal:                                # image.ts: SIGNAL_HANDLER; a handler of signals that the program sets: it ends
  lea edi, [rdi + 128]
  mov eax, SYS_exit_group
  syscall
  ud2

begin:
  mov r13, [rip + state]
  lea r12, [rip + program]

next:
  mov bl, [r12 + IN_REGISTERS]
.macro argument k, register
  mov \register, [r12 + ARGUMENTS + 8 * \k]
  test bl, 1 << \k
  jz 1f
  mov \register, [r13 + 8 * \register]
1:
.endm
  argument 0, rdi
  argument 1, rsi
  argument 2, rdx
  argument 3, r10
  argument 4, r8
  argument 5, r9

again:
  mov eax, [r12 + NUMBER]
  cmp eax, PSEUDO
  jae pseudo
  syscall
  movzx ecx, byte ptr [r12 + POLICY]
  cmp rax, -MAX_ERRNO
  jae error
  test rax, rax
  jnz save
  cmp ecx, JUMP_IF_ZERO
  je jump_with_result
  cmp ecx, FAIL_IF_ZERO
  je fail

save:
  movzx edx, byte ptr [r12 + SAVE]
  mov [r13 + 8 * rdx], rax
advance:
  add r12, 1 << SIZE_SHIFT
  jmp next

pseudo:
  sub eax, PSEUDO
  je jump
  dec eax
  je store32
  dec eax
  je load32
  dec eax
  je move
  cmp rdi, rsi                            # jump_if_equal
  je jump
  jmp advance
store32:
  mov [rsi], edi
  jmp advance
load32:
  movsxd rax, dword ptr [rdi]
  jmp save
move:
  mov rax, rdi
  jmp save

error:
  cmp eax, -EINTR                         # the arguments are still where the kernel found them
  je again
  cmp ecx, IGNORE_ANY
  je save
  cmp ecx, JUMP_ON_ANY
  je jump_with_result
  movzx edx, word ptr [r12 + ERRNO]
  add edx, eax                            # 0: it is the errno that the policy is about
  jnz fail
  cmp ecx, IGNORE_ERRNO
  je save
  cmp ecx, JUMP_ON_ERRNO
  jne fail
jump_with_result:
  movzx edx, byte ptr [r12 + SAVE]
  mov [r13 + 8 * rdx], rax
jump:
  mov eax, [r12 + JUMP]
  shl rax, SIZE_SHIFT
  lea r12, [rip + program]
  add r12, rax
  jmp next

fail:
  neg eax
  mov [r13 + REPORT + 8], eax
  lea rdx, [rip + program]
  mov rax, r12
  sub rax, rdx
  shr rax, SIZE_SHIFT
  mov [r13 + REPORT + 4], eax
  movzx ebx, byte ptr [r12 + CONTEXT]
  test ebx, ebx
  jz report
log:                                      # one message at a time, until ENODATA
  mov eax, SYS_read
  mov rdi, [r13 + 8 * rbx]
  lea rsi, [r13 + LOG_TEXT]
  mov edx, LOG_SIZE
  syscall
  test rax, rax
  jle report
  lea rdx, [rax + LOG_TEXT - LOG]
  mov eax, SYS_write
  mov rdi, [r13 + SOCKET]
  lea rsi, [r13 + LOG]
  syscall
  jmp log
report:
  mov eax, SYS_write
  mov rdi, [r13 + SOCKET]
  lea rsi, [r13 + REPORT]
  mov edx, REPORT_SIZE
  syscall
  mov eax, SYS_exit_group
  mov edi, 1
  syscall
  ud2                                     # a seccomp filter may refuse to let it end

.balign 8
state:                                    # image.ts appends the address of the state
.set program, state + 8                   # and the instructions
