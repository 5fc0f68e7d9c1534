/** `exec`, and in the foreground staying until the process has ended. */

import { pidfdOpen } from "../../ffi/spawn.ts";
import { attend, SignalRelay } from "./attend.ts";
import { execProcess } from "./exec.ts";
import type { ExecOptions } from "./options.ts";

/**
 * Executes a process in a container.
 * @returns 0 when detached, else the exit code of the process (128 + signal)
 */
export async function runProcess(options: ExecOptions): Promise<number> {
  if (options.detach) {
    await execProcess(options);
    return 0;
  }
  using stack = new DisposableStack();
  let relay: SignalRelay | undefined;
  // a signal before that ends this process, and with it the other, which waits for answers: nothing of it is anywhere yet
  const executed = await execProcess(options, () => relay = stack.use(new SignalRelay(options)));
  using pidfd = pidfdOpen(executed.pid);
  relay?.passTo(pidfd);
  return await attend(options, executed, () => {});
}
