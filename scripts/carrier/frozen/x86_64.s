# The entry of the carrier executable, x86-64, which the kernel jumps to: the executable has no interpreter that the kernel would
# load. It thaws the frozen process, or loads ld.so as the kernel would have done. scripts/carrier/frozen/entry.ts lays out the
# table behind it.
# From the kernel: rsp -> argc, argv.., NULL, envp.., NULL, auxv; rdx = 0. From ld.so, which ends at this entry too: rdx != 0.
#
# rbp block   r12 envp   r13 auxv   r14 path of the executable as execve(2) was given it   r15 see there

.intel_syntax noprefix
.set COLD, 0                            # u64s of the table; all of them addresses but for sizes
.set INTERPRETER, 8
.set HEADERS, 16
.set STACK, 24
.set STACK_SIZE, 32
.set THAW, 40
.set STATE, 48
.set FRAME, 56
.set MARK, 64
.set CPU, 72                            # u32s, masks: of leaf 1 ecx; of leaf 7 ebx, ecx; of leaf 0x80000001 ecx; of XCR0

.set SYS_mmap, 9
.set SYS_open, 2
.set SYS_close, 3
.set SYS_brk, 12
.set SYS_pread64, 17
.set SYS_exit_group, 231
.set PROT_NONE, 0
.set PROT_READ_WRITE, 3
.set MAP_PRIVATE, 0x2
.set MAP_FIXED, 0x10
.set MAP_ANONYMOUS, 0x20
.set MAP_FIXED_NOREPLACE, 0x100000
.set O_CLOEXEC, 0x80000
.set AT_IGNORE, 1
.set AT_PHDR, 3
.set AT_BASE, 7
.set AT_EXECFN, 31
.set AT_SYSINFO_EHDR, 33
.set PT_LOAD, 1
.set STATE_SIZE, 4096
.set HEAD, 4096                         # bytes of ld.so that hold its headers
.set PAGE, 4096
.set OSXSAVE, 27

entry:
  test rdx, rdx
  jz 1f
  jmp [rip + table + COLD]
1:
  mov rbp, rsp
  mov rax, [rsp]
  lea r12, [rsp + 8*rax + 16]
  mov r13, r12
1:
  add r13, 8
  cmp qword ptr [r13 - 8], 0
  jnz 1b
  xor r14d, r14d
  mov rsi, r13
1:
  cmp qword ptr [rsi], AT_EXECFN
  cmovz r14, [rsi + 8]
  add rsi, 16
  cmp qword ptr [rsi - 16], 0
  jnz 1b

# there may be nothing to thaw, or it may have been tried: then this is executed once more, under another name
  cmp qword ptr [rip + table + THAW], 0
  jz load
  test r14, r14
  jz load
  mov rsi, r14
  mov rdi, [rip + table + MARK]
1:
  lodsb
  scasb
  jnz 1f
  test al, al
  jnz 1b
  jmp load
1:

# the processor has all that the frozen one used
  lea rsi, [rip + table + CPU]
.macro needs register, at
  and \register, [rsi + \at]
  cmp \register, [rsi + \at]
  jnz load
.endm
  mov eax, 1
  cpuid
  needs ecx, 0
  mov eax, 7
  xor ecx, ecx
  cpuid
  needs ebx, 4
  needs ecx, 8
  mov eax, 0x80000001
  cpuid
  needs ecx, 12
  cmp dword ptr [rsi + 16], 0
  jz 1f
  xor ecx, ecx
  xgetbv
  needs eax, 16
1:

# the executable, for the program to map: without /proc, or if it can not be read, there is no thawing
  mov rdi, [rip + table + MARK]
  mov esi, O_CLOEXEC
  xor edx, edx
  mov eax, SYS_open
  syscall
  test eax, eax
  js load
  mov r15d, eax

# the state of the program: no socket, argv, envp, the executable
  mov rdi, [rip + table + STATE]
  mov esi, STATE_SIZE
  mov edx, PROT_READ_WRITE
  mov r10d, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE
  mov r8, -1
  xor r9d, r9d
  mov eax, SYS_mmap
  syscall
  cmp rax, rdi
  jnz load
  mov qword ptr [rdi + 8], -1
  lea rax, [rbp + 8]
  mov [rdi + 16], rax
  mov [rdi + 24], r12
  mov [rdi + 32], r15
  mov rsp, [rip + table + FRAME]
  jmp [rip + table + THAW]

load:
  cmp qword ptr [rip + table + STACK], 0
  jz stay
# a process that is to be frozen has a stack where no other process has one, and calls no code of the kernel's (vdso)
  mov rdi, r14                          # AT_EXECFN is the last of the strings
  xor eax, eax
  mov rcx, -1
  repne scasb
  lea r15, [rdi + 7]
  and r15, -8
  mov rdi, [rip + table + STACK]
  mov rsi, [rip + table + STACK_SIZE]
  mov edx, PROT_READ_WRITE
  mov r10d, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
  mov r8, -1
  xor r9d, r9d
  mov eax, SYS_mmap
  syscall
  cmp rax, rdi
  jnz fail
  add rdi, [rip + table + STACK_SIZE]
  mov rcx, r15
  sub rcx, rsp                          # bytes of the block
  sub rdi, rcx
  and rdi, -16
  mov rsi, rsp
  mov rbx, rdi                          # the new block
  rep movsb
  mov rdx, rbx
  sub rdx, rbp                          # from old addresses to new ones
  mov r8, r13
  add r8, rdx                           # the new auxv
  mov rsi, rbx
1:
  mov rax, [rsi]
  cmp rax, rbp
  jb 2f
  cmp rax, r15
  jae 2f
  add [rsi], rdx
2:
  add rsi, 8
  cmp rsi, r8
  jb 1b
1:
  mov rax, [rsi + 8]
  cmp rax, rbp
  jb 2f
  cmp rax, r15
  jae 2f
  add [rsi + 8], rdx
2:
  cmp qword ptr [rsi], AT_SYSINFO_EHDR
  jnz 2f
  mov qword ptr [rsi], AT_IGNORE
2:
  add rsi, 16
  cmp qword ptr [rsi - 16], 0
  jnz 1b
  mov r13, r8
  mov rbp, rbx
# nor a heap at the break, which is elsewhere in each process: what is in its way keeps libc from it
  xor edi, edi
  mov eax, SYS_brk
  syscall
  lea rdi, [rax + PAGE - 1]
  and rdi, -PAGE
  mov esi, PAGE
  mov edx, PROT_NONE
  mov r10d, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
  mov r8, -1
  xor r9d, r9d
  mov eax, SYS_mmap
  syscall
  cmp rax, rdi
  jnz fail
# what the processor has, for the table of the executable that thaws it
  mov rdi, [rip + table + STATE]
  mov esi, STATE_SIZE
  mov edx, PROT_READ_WRITE
  mov r10d, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
  mov r8, -1
  xor r9d, r9d
  mov eax, SYS_mmap
  syscall
  cmp rax, rdi
  jnz fail
  mov eax, 1
  cpuid
  mov [rdi], ecx
  bt ecx, OSXSAVE
  jnc 1f
  xor ecx, ecx
  xgetbv
  mov [rdi + 16], eax
1:
  mov eax, 7
  xor ecx, ecx
  cpuid
  mov [rdi + 4], ebx
  mov [rdi + 8], ecx
  mov eax, 0x80000001
  cpuid
  mov [rdi + 12], ecx
stay:
  mov rsp, rbp

# ld.so: its headers, room for all of it, its segments
  mov rdi, [rip + table + INTERPRETER]
  mov esi, O_CLOEXEC
  xor edx, edx
  mov eax, SYS_open
  syscall
  test eax, eax
  js fail
  mov r8d, eax
  sub rsp, HEAD
  mov edi, eax
  mov rsi, rsp
  mov edx, HEAD
  xor r10d, r10d
  mov eax, SYS_pread64
  syscall
  cmp rax, 64
  jl fail
  mov rbx, rsp
  add rbx, [rsp + 32]                   # e_phoff
  movzx r12d, word ptr [rsp + 56]       # e_phnum
  mov rdx, rbx
  mov ecx, r12d
  xor esi, esi
1:
  cmp dword ptr [rdx], PT_LOAD
  jnz 2f
  mov rsi, [rdx + 16]                   # the last one ends it
  add rsi, [rdx + 40]
2:
  add rdx, 56
  dec ecx
  jnz 1b
  push r8
  xor edi, edi
  mov edx, PROT_NONE
  mov r10d, MAP_PRIVATE | MAP_ANONYMOUS
  mov r8, -1
  xor r9d, r9d
  mov eax, SYS_mmap
  syscall
  pop r8
  cmp rax, -4095
  jae fail
  mov r14, rax                          # where address 0 of ld.so is
segment:
  cmp dword ptr [rbx], PT_LOAD
  jnz next_segment
  mov edi, [rbx + 4]                    # p_flags: X 1, W 2, R 4; prot: R 1, W 2, X 4
  mov edx, edi
  and edx, 2
  mov eax, edi
  and eax, 1
  shl eax, 2
  or edx, eax
  shr edi, 2
  and edi, 1
  or edx, edi
  mov rdi, [rbx + 16]                   # p_vaddr
  mov rsi, rdi
  and esi, PAGE - 1
  mov r9, [rbx + 8]                     # p_offset
  sub r9, rsi
  sub rdi, rsi
  add rsi, [rbx + 32]                   # p_filesz
  add rdi, r14
  mov r10d, MAP_PRIVATE | MAP_FIXED
  mov eax, SYS_mmap
  syscall
  cmp rax, rdi
  jnz fail
  mov rcx, [rbx + 40]                   # p_memsz
  sub rcx, [rbx + 32]
  jz next_segment
# the rest of the last page is zero, and whole pages after it
  lea rdi, [r14]
  add rdi, [rbx + 16]
  add rdi, [rbx + 32]
  mov r15, rdi
  add r15, rcx                          # end of the segment in memory
  mov rcx, rdi
  neg rcx
  and ecx, PAGE - 1
  xor eax, eax
  rep stosb
  mov rsi, r15
  sub rsi, rdi
  jbe next_segment
  push r8
  mov r10d, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
  mov edx, PROT_READ_WRITE
  mov r8, -1
  xor r9d, r9d
  mov eax, SYS_mmap
  syscall
  pop r8
  cmp rax, rdi
  jnz fail
next_segment:
  add rbx, 56
  dec r12d
  jnz segment
  mov edi, r8d
  mov eax, SYS_close
  syscall

# what ld.so is told: where it is, and headers that name it
1:
  cmp qword ptr [r13], AT_BASE
  jnz 2f
  mov [r13 + 8], r14
2:
  cmp qword ptr [r13], AT_PHDR
  jnz 2f
  mov rax, [rip + table + HEADERS]
  mov [r13 + 8], rax
2:
  add r13, 16
  cmp qword ptr [r13 - 16], 0
  jnz 1b
  add r14, [rsp + 24]                   # e_entry
  mov rax, r14
  mov rsp, rbp
  xor edx, edx
  jmp rax

fail:
  mov edi, 127
  mov eax, SYS_exit_group
  syscall
  ud2

.balign 8
table:
