/** A scenario with runc and with runo: what runc shows is what runo has to show. */

import { assertEquals } from "@std/assert";

/** What runs scenarios, and what has to be cleaned after each. */
export interface Client {
  clean(): Promise<void>;
}

/** The executable under test. */
export const RUNO = Deno.env.get("RUNO") ?? new URL("../../../dist/runo", import.meta.url).pathname;

/** The reference. */
export const RUNC = "/usr/sbin/runc";

/** Compares one scenario; it has to work with runc. */
export async function compare<C extends Client>(
  scenario: (client: C) => Promise<unknown>,
  clients: { readonly runc: C; readonly runo: C },
): Promise<void> {
  const reference = await attempt(scenario, clients.runc, "runc");
  assertEquals(await attempt(scenario, clients.runo, "runo"), reference);
}

async function attempt<C extends Client>(
  scenario: (client: C) => Promise<unknown>,
  client: C,
  runtime: string,
): Promise<unknown> {
  try {
    return await scenario(client);
  } catch (error) {
    throw new Error(`with ${runtime}`, { cause: error });
  } finally {
    await client.clean();
  }
}
