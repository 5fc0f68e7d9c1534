# The launcher of the carrier executable, x86-64. scripts/carrier/stub.ts lays out the table behind it and says what it does.
# At entry (from ld.so): rsp -> argc, argv.., NULL, envp.., NULL, auxv; rdx = the function that _start registers with atexit.
# Nothing here is writable: what is made is made on the stack, below the block that the kernel laid there.
#
# rbx stub   r12 old block   r13 directory entry   r14 open files entry   r15 new block   rbp new envp   rdi write cursor

.intel_syntax noprefix
.set ENTRY, 0                           # u64s of the table; offsets count from the first byte of the stub
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
.set SCRATCH, 8192                      # bytes for the two strings made here, a path, the limit and the calls
.set PATH_MAX, 4096

.set SYS_write, 1
.set SYS_close, 3
.set SYS_getcwd, 79
.set SYS_chdir, 80
.set SYS_openat, 257
.set SYS_prlimit64, 302
.set SYS_fsopen, 430
.set SYS_fsconfig, 431
.set SYS_fsmount, 432
.set RLIMIT_NOFILE, 7
.set FSOPEN_CLOEXEC, 1
.set FSCONFIG_CMD_CREATE, 6
.set FSMOUNT_CLOEXEC, 1
.set MOUNT_ATTRS, 14                    # NOSUID, NODEV, NOEXEC
.set CREATE, 0x80041                    # O_WRONLY, O_CREAT, O_CLOEXEC

stub:
  push rdx
  lea r12, [rsp + 8]
  lea rbx, [rip + stub]
  mov rdi, rsp
  sub rsp, SCRATCH

# deno's directory: a file system that only this process has, or where that can not be made one that does not exist
  mov r13, [rip + table + NO_DIRECTORY]
  add r13, rbx
  cmp qword ptr [rip + table + CONTENT_LENGTH], 0
  jz no_content
  push rdi
  lea rdi, [rip + tmpfs]
  mov esi, FSOPEN_CLOEXEC
  mov eax, SYS_fsopen
  syscall
  test eax, eax
  js no_file_system
  mov r14d, eax
  mov edi, eax
  mov esi, FSCONFIG_CMD_CREATE
  xor edx, edx
  xor r10d, r10d
  xor r8d, r8d
  mov eax, SYS_fsconfig
  syscall
  mov edi, r14d
  mov esi, FSMOUNT_CLOEXEC
  mov edx, MOUNT_ATTRS
  mov eax, SYS_fsmount
  syscall
  mov r15d, eax
  mov edi, r14d
  mov eax, SYS_close
  syscall
  test r15d, r15d
  js no_file_system
  mov edi, r15d
  mov rsi, [rip + table + CONTENT_NAME]
  add rsi, rbx
  mov edx, CREATE
  mov r10d, 0600
  mov eax, SYS_openat
  syscall
  test eax, eax
  js no_file
  mov r14d, eax
  mov rsi, [rip + table + CONTENT]
  add rsi, rbx
  mov rbp, [rip + table + CONTENT_LENGTH]
1:
  mov edi, r14d
  mov rdx, rbp
  mov eax, SYS_write
  syscall
  test rax, rax
  jle 2f
  add rsi, rax
  sub rbp, rax
  jnz 1b
2:
  mov edi, r14d
  mov eax, SYS_close
  syscall
  test rbp, rbp
  jnz no_file
  pop rdi
  dec rdi
  mov byte ptr [rdi], 0
  mov eax, r15d
  call put_number
  mov rsi, [rip + table + DIRECTORY]
  mov rcx, [rip + table + DIRECTORY_LENGTH]
  call put_text
  mov r13, rdi
  jmp no_content
no_file:
  mov edi, r15d
  mov eax, SYS_close
  syscall
no_file_system:
  pop rdi
no_content:

# the soft limit of open files, which deno raises; without digits when the kernel does not say
  dec rdi
  mov byte ptr [rdi], 0
  push rdi
  sub rsp, 16
  xor edi, edi
  mov esi, RLIMIT_NOFILE
  xor edx, edx
  mov r10, rsp
  mov eax, SYS_prlimit64
  syscall
  mov rdx, [rsp]
  add rsp, 16
  pop rdi
  test rax, rax
  jnz 1f
  mov rax, rdx
  call put_number
1:
  mov rsi, [rip + table + NOFILE]
  mov rcx, [rip + table + NOFILE_LENGTH]
  call put_text
  mov r14, rdi

# deno refuses to start in a directory that is gone or outside the root: "/" is as good a place for the commands that do not care
  push rdi
  sub rsp, PATH_MAX
  mov rdi, rsp
  mov esi, PATH_MAX
  mov eax, SYS_getcwd
  syscall
  cmp rax, -2                           # ENOENT
  jz 1f
  test rax, rax
  js 2f
  cmp byte ptr [rsp], '/'               # else "(unreachable)"
  jz 2f
1:
  lea rdi, [rip + root]
  mov eax, SYS_chdir
  syscall
2:
  add rsp, PATH_MAX
  pop rdi

# the end of the old block: argc, argv, envp, auxv
  mov rax, [r12]
  lea rsi, [r12 + 8*rax + 16]
1:
  add rsi, 8
  cmp qword ptr [rsi - 8], 0
  jnz 1b
1:
  add rsi, 16
  cmp qword ptr [rsi - 16], 0
  jnz 1b

# the new block, at most as large as the old one and what is added (argv[0] included, in case argc is 0)
  mov rax, [rip + table + ARGUMENT_COUNT]
  add rax, [rip + table + VARIABLE_COUNT]
  lea rax, [8*rax + 24]
  add rax, rsi
  sub rax, r12
  mov rcx, rsp
  sub rcx, rax
  and rcx, -16
  mov r15, rcx
  mov rsp, r15
  mov rdi, r15

# argc, argv[0]
  mov rax, [r12]
  lea rsi, [r12 + 8]
  mov r8, rax
  add rax, [rip + table + ARGUMENT_COUNT]
  test r8, r8
  jz 1f
  stosq
  movsq
  jmp 2f
1:
  inc rax
  stosq
  lea rax, [rip + empty]
  stosq
2:

# the inserted arguments, the other arguments
  mov rdx, [rip + table + ARGUMENTS]
  call store_list
1:
  lodsq
  stosq
  test rax, rax
  jnz 1b

# the environment: what is added, then the old entries that do not begin with a dropped prefix
  mov rbp, rdi
  mov rax, r13
  stosq
  mov rax, r14
  stosq
  mov rdx, [rip + table + VARIABLES]
  call store_list
next_variable:
  lodsq
  test rax, rax
  jz end_of_variables
  mov rdx, [rip + table + DROPPED]
  add rdx, rbx
next_prefix:
  cmp byte ptr [rdx], 0
  jz keep_variable
  mov rcx, rax
1:
  mov r8b, [rdx]
  inc rdx
  test r8b, r8b
  jz next_variable
  cmp r8b, [rcx]
  lea rcx, [rcx + 1]
  jz 1b
1:
  inc rdx
  cmp byte ptr [rdx - 1], 0
  jnz 1b
  jmp next_prefix
keep_variable:
  stosq
  jmp next_variable
end_of_variables:
  stosq

# the auxiliary vector, unchanged, to its end
1:
  lodsq
  stosq
  movsq
  test rax, rax
  jnz 1b

# libc took the old envp before this entry: give it the new one
  mov rax, [rip + table + ENVIRON]
  mov rax, [rbx + rax]
  mov [rax], rbp

  mov rax, [rip + table + ENTRY]
  add rax, rbx
  mov rdx, [r12 - 8]
  xor ebp, ebp
  jmp rax

# put_number(rax): its decimal digits before rdi. Takes rcx, rdx, r8
put_number:
  mov r8d, 10
1:
  xor edx, edx
  div r8
  add dl, '0'
  dec rdi
  mov [rdi], dl
  test rax, rax
  jnz 1b
  ret

# put_text(rsi offset, rcx length): the text before rdi. Takes al, rcx
put_text:
  add rsi, rbx
1:
  mov al, [rsi + rcx - 1]
  dec rdi
  mov [rdi], al
  dec rcx
  jnz 1b
  ret

# store_list(rdx offset): the addresses of its strings, which an empty one ends, to [rdi], rdi onwards. Takes rax
store_list:
  add rdx, rbx
1:
  cmp byte ptr [rdx], 0
  jz 3f
  mov rax, rdx
  stosq
2:
  inc rdx
  cmp byte ptr [rdx - 1], 0
  jnz 2b
  jmp 1b
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
