/**
 * The executable that begins with a process that has started already. Deno needs 12 ms to start and 5 more until runo's scripts are
 * evaluated, each time the same; so that is done once, when the executable is made, and what it left in memory is a part of it.
 * The process waits in a signal's handler then: rt_sigreturn(2) makes it go on.
 */

import { RunoError } from "../../../core/error.ts";
import { layOutDetachedLives } from "../../fixtures/life.ts";
import type { Script } from "../bundle.ts";
import { makeCarrier } from "../carrier.ts";
import { type Frozen, withEntry } from "./entry.ts";
import { freeze, type FrozenProcess } from "./freeze.ts";
import { readMemory } from "./memory.ts";
import { STATE } from "./places.ts";
import { framePointer, simplifyFrame, thawProgram } from "./thaw.ts";

/** The main module of the executable that is frozen: the freezer. Its comment takes what follows. */
const FREEZER_MODULE = 'data:text/javascript,import(Deno.env.get("RUNO_FREEZER"))//(';

/**
 * What code may use that looks at the processor, by the numbers of its bits. What depends on the machine around it (a hypervisor,
 * the kernel's own features) is left out.
 */
const FEATURES = {
  leaf1c: [0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 26, 27, 28, 29, 30],
  leaf7b: [0, 3, 5, 8, 9, 16, 17, 18, 19, 21, 23, 24, 26, 27, 28, 29, 30, 31],
  leaf7c: [1, 6, 8, 9, 10, 11, 12, 14],
  extended: [0, 5, 6, 8],
  xcr0: [1, 2, 5, 6, 7],
} as const;

/** What the executable is made of. */
export interface Parts {
  /** Deno's executable, of x86-64. */
  readonly deno: Uint8Array;
  readonly scripts: readonly Script[];
  readonly codeCache: Uint8Array;
  /** A directory with the scripts and what V8 has compiled of them. */
  readonly work: string;
}

/**
 * The executable, which thaws wherever libraries and processor are the same, and else starts as one without a frozen process does.
 * @throws {RunoError} when a process can not be frozen here
 */
export function makeFrozen(parts: Parts): Uint8Array {
  const { deno, scripts, codeCache, work } = parts, freezer = `${work}/freezer`;
  Deno.writeFileSync(freezer, withEntry(makeCarrier(deno, scripts, { codeCache, freezer: FREEZER_MODULE })), {
    mode: 0o755,
  });
  const cold = makeCarrier(deno, scripts, { codeCache });
  const freezeAfter = (lives: readonly (readonly string[])[]) => {
    Deno.writeTextFileSync(`${work}/lives.json`, JSON.stringify(lives));
    return freeze(freezer, work, (process) => withEntry(cold, frozenOf(process, freezer)));
  };
  try {
    return freezeAfter(layOutDetachedLives(`${work}/lives`, `runo-frozen-${Deno.pid}`));
  } catch (error) {
    if (!(error instanceof RunoError)) throw error;
    // it starts as fast, but then compiles what it calls
    console.log(`the frozen process has seen no container: ${error.message}`);
    return freezeAfter([]);
  }
}

function frozenOf(process: FrozenProcess, executable: string): Frozen {
  const memory = readMemory(process, executable);
  simplifyFrame(process, memory);
  return {
    processor: processorOf(process),
    frame: framePointer(process),
    pages: memory.pages.map(({ bytes }) => bytes),
    program: (address, around) => thawProgram(process, memory, around).layOut(address, STATE),
  };
}

/** The entry has written down what the processor says. */
function processorOf({ read }: FrozenProcess): Frozen["processor"] {
  const said = new Uint32Array(read(STATE, 5 * 4).buffer);
  const [leaf1c, leaf7b, leaf7c, extended, xcr0] = Object.values(FEATURES).map((bits, i) =>
    (said[i]! & bits.reduce<number>((mask, bit) => mask | 1 << bit, 0)) >>> 0
  ) as [number, number, number, number, number];
  return { leaf1c, leaf7b, leaf7c, extended, xcr0 };
}
