/** Signals that a foreground command passes on to the container. signal(7) */

/** All that can be caught, but for those that are about this process itself: SIGCHLD, SIGURG, SIGWINCH. */
const FORWARDED: Readonly<Partial<Record<Deno.Signal, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCONT: 18,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** What Go, and so runc, calls the signals that end programs. */
const TEXTS: Readonly<Record<number, string>> = {
  1: "hangup",
  2: "interrupt",
  3: "quit",
  4: "illegal instruction",
  5: "trace/breakpoint trap",
  6: "aborted",
  7: "bus error",
  8: "floating point exception",
  9: "killed",
  10: "user defined signal 1",
  11: "segmentation fault",
  12: "user defined signal 2",
  13: "broken pipe",
  14: "alarm clock",
  15: "terminated",
  24: "CPU time limit exceeded",
  25: "file size limit exceeded",
  31: "bad system call",
};

/** A signal in words. */
export function signalText(signal: number): string {
  return TEXTS[signal] ?? `signal ${signal}`;
}

/** Calls `pass` with the number of each signal that arrives, until disposed. */
export function forwardSignals(pass: (signal: number) => void): Disposable {
  const listeners = Object.entries(FORWARDED).map(([name, number]) => {
    const listener = () => pass(number);
    Deno.addSignalListener(name as Deno.Signal, listener);
    return [name as Deno.Signal, listener] as const;
  });
  return {
    [Symbol.dispose]: () => {
      for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}

/** Calls `resized` whenever the terminal's size changes, until disposed. */
export function onResize(resized: () => void): Disposable {
  Deno.addSignalListener("SIGWINCH", resized);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", resized) };
}
