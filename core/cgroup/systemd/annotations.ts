/** Annotations "org.systemd.property.NAME": any property of the unit. runc's rules. */

import type { BusValue } from "../../../ffi/libsystemd.ts";
import { RunoError } from "../../error.ts";
import { parseGVariant, type Typed } from "./gvariant.ts";
import type { Property } from "./properties.ts";

const PREFIX = "org.systemd.property.";

/**
 * The properties that annotations ask for, in their order.
 * @throws {RunoError} `invalid` for a wrong name or a value that is no GVariant text
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>> = {}): Property[] {
  return Object.entries(annotations).flatMap(([key, text]) => {
    if (!key.startsWith(PREFIX)) return [];
    const name = key.slice(PREFIX.length);
    // three letters: systemd has no shorter names, and something must come before "Sec"
    if (!/^[a-zA-Z]{3,}$/.test(name)) {
      throw new RunoError(`annotation "${key}": "${name}" is no name of a property`, { kind: "invalid" });
    }
    try {
      return [property(name, parseGVariant(text))];
    } catch (error) {
      throw new RunoError(`annotation "${key}": value ${JSON.stringify(text)}`, { kind: "invalid", cause: error });
    }
  });
}

/** Seconds are for people: on the bus there are microseconds alone, under another name. */
function property(name: string, typed: Typed): Property {
  const [, stem] = /^(.*[a-z])Sec$/.exec(name) ?? [];
  return stem === undefined
    ? [name, typed.signature, typed.value]
    : [`${stem}USec`, "t", microseconds(typed.signature, typed.value)];
}

function microseconds(signature: string, value: BusValue): BusValue {
  if (!"ynqiuxtd".includes(signature)) throw new SyntaxError("it must be a number of seconds");
  if (signature === "d") return BigInt(Math.trunc(Number(value) * 1e6));
  return BigInt(value as bigint) * 1_000_000n;
}
