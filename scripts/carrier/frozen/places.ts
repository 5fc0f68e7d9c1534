/** Where a process that is frozen has what others do not have there, so that it can have it again in any process. */

/** A page: the state of the program that thaws, or what the processor has. */
export const STATE = 0x200000;
/** A part of it that the program may write to. */
export const SCRATCH: number = STATE + 2048;
/** The segment with the entry and the program. */
export const SEGMENT = 0x400000;
/** The stack, beyond where the kernel lets the heap begin. */
export const STACK = 0x100000000;
export const STACK_SIZE = 0x800000;
/** Descriptors from this one on; callers have those below it. */
export const FIRST_DESCRIPTOR = 200;
