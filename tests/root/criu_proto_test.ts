/** criu/rpc.proto against the file that CRIU installs for its callers, both read by protobufjs. */

import { assert, assertEquals } from "@std/assert";
import protobuf from "protobufjs";
import { provideCriu } from "../../scripts/provision/criu.ts";

type Shape = Record<string, Record<string, unknown>>;

/** Messages and enums by their name in CamelCase: each field (or value) with all that makes it up. */
function shapeOf(proto: string): Shape {
  const { root } = protobuf.parse(proto, { keepCase: true });
  root.resolveAll();
  const shape: Shape = {};
  const visit = (namespace: protobuf.NamespaceBase) => {
    for (const item of namespace.nestedArray) {
      if (item instanceof protobuf.Type) shape[camel(item.name)] = fieldsOf(item);
      else if (item instanceof protobuf.Enum) shape[camel(item.name)] = { ...item.values };
      else if (item instanceof protobuf.Namespace) visit(item);
    }
  };
  visit(root);
  return shape;
}

function fieldsOf({ fieldsArray }: protobuf.Type): Record<string, unknown> {
  return Object.fromEntries(fieldsArray.map((field) => [field.name, {
    id: field.id,
    type: camel(field.type.split(".").at(-1)!),
    rule: field.required ? "required" : field.repeated ? "repeated" : "optional",
    default: field.options?.["default"],
  }]));
}

const SCALARS = new Set(["bool", "string", "int32", "uint32", "uint64"]);

function camel(name: string): string {
  return SCALARS.has(name) ? name : name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

Deno.test("criu/rpc.proto has the messages, fields, numbers, types and defaults of CRIU's own", () => {
  const ours = shapeOf(Deno.readTextFileSync(new URL("../../criu/rpc.proto", import.meta.url)));
  const theirs = shapeOf(Deno.readTextFileSync(provideCriu().proto));
  assert(Object.keys(theirs).length >= 19, "CRIU's file was read");
  assert(Object.keys(theirs["CriuOpts"] ?? {}).length >= 69, "CRIU's options were read");
  for (const [name, members] of Object.entries(theirs)) {
    for (const [member, meaning] of Object.entries(members)) {
      assertEquals(ours[name]?.[member], meaning, `${name}.${member}`);
    }
  }
  // nothing invented: what this CRIU does not have either is not in it
  assertEquals(Object.keys(ours).sort(), Object.keys(theirs).sort());
});
