/** Programs as text and as JSON: what `runo plan` prints. */

import { argumentTexts, registerText } from "./arguments.ts";
import type { Assembly, Handling, Instruction, Step } from "./assembly.ts";

/** One instruction, explained. */
export interface ExplainedCall {
  readonly index: number;
  readonly call: string;
  readonly args: readonly string[];
  /** The register that the result goes to. */
  readonly result?: string;
  /** What happens when it fails, if the program goes on. */
  readonly otherwise?: string;
}

/** One step, explained. */
export interface ExplainedStep {
  readonly step: string;
  /** Where config.json asks for it. */
  readonly pointer?: string;
  readonly calls: readonly ExplainedCall[];
}

/** The steps of a program. */
export function explain(program: Assembly): ExplainedStep[] {
  const steps: { step: Step; calls: ExplainedCall[] }[] = [];
  program.instructions.forEach((instruction, index) => {
    if (steps.at(-1)?.step !== instruction.step) steps.push({ step: instruction.step, calls: [] });
    steps.at(-1)!.calls.push(explainCall(instruction, index, program.arch === "x86_64" ? 0 : 1));
  });
  return steps.map(({ step, calls }) => ({
    step: step.phrase,
    ...step.pointer ? { pointer: step.pointer } : {},
    calls,
  }));
}

/** The same as lines: a line for each step, and below it one for each system call. */
export function explainText(program: Assembly): string {
  const lines = explain(program).flatMap(({ step, pointer, calls }, i) => [
    `${i + 1}. ${step}${pointer === undefined ? "" : `  [${pointer}]`}`,
    ...calls.map(callLine),
  ]);
  return `${lines.join("\n")}\n`;
}

function callLine({ index, call, args, result, otherwise }: ExplainedCall): string {
  const into = result === undefined ? "" : ` -> ${result}`;
  const or = otherwise === undefined ? "" : `  (${otherwise})`;
  return `${String(index).padStart(6)}  ${call}(${args.join(", ")})${into}${or}`;
}

function explainCall(instruction: Instruction, index: number, arch: 0 | 1): ExplainedCall {
  const { operation, handling, save } = instruction;
  const otherwise = handlingText(handling, operation);
  return {
    index,
    call: operation,
    args: argumentTexts(instruction, arch),
    ...save === undefined ? {} : { result: registerText(save) },
    ...otherwise === undefined ? {} : { otherwise },
  };
}

function handlingText({ ignore, on, to, ifZero, failIfZero }: Handling, operation: string): string | undefined {
  if (operation === "close") return undefined;
  if (ignore !== undefined) return `${ignore === "any" ? "any error" : ignore} is fine`;
  if (on !== undefined) return `${on === "any" ? "any error" : on}: go to ${to?.at}, ${to?.name}`;
  if (ifZero !== undefined) return `0: go to ${ifZero.at}, ${ifZero.name}`;
  if (failIfZero === true) return "nothing comes back: the host is gone, end";
  if (to !== undefined) return `${operation === "jump" ? "" : "then "}go to ${to.at}, ${to.name}`;
  return undefined;
}
