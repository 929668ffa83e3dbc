/**
 * Kafka's definition of each message, for comparison with the declarations.
 *
 * `definitions.txt` has one paragraph per message. The first line is
 *
 *     TYPE KEY NAME VERSIONS FLEXIBLE-VERSIONS
 *
 * and each further line a field, indented below its struct:
 *
 *     NAME TYPE VERSIONS [nullable=VERSIONS] [tag=N tagged=VERSIONS] [default=VALUE] [ignorable]
 *
 * `derive.ts` writes the file.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Field, Fields } from "../../schema/schema.ts";
import {
  inRange,
  NO_VERSIONS,
  type VersionRange,
  versionRange,
} from "../../schema/version_range.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** A message as Kafka defines it. */
export interface KafkaDefinition {
  readonly apiKey: number | undefined;
  readonly name: string;
  readonly validVersions: VersionRange;
  readonly flexibleVersions: VersionRange;
  readonly fields: readonly KafkaField[];
}

interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  readonly tag: number | undefined;
  readonly tagged: VersionRange;
  readonly default: string | undefined;
  readonly ignorable: boolean;
  readonly fields: KafkaField[];
}

/** A field in one version, of a declaration or of Kafka's definition, in a comparable form. */
export interface FieldInVersion {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | number | boolean | null;
  readonly tag: number | null;
  readonly ignorable: boolean;
  readonly fields: readonly FieldInVersion[];
}

let definitions: ReadonlyMap<string, KafkaDefinition> | undefined;

/**
 * Returns the definition of a message.
 *
 * @throws {Error} If Kafka has no message with that name.
 */
export function kafkaDefinition(name: string): KafkaDefinition {
  definitions ??= parse(Deno.readTextFileSync(new URL("definitions.txt", import.meta.url)));
  const definition = definitions.get(name);
  if (definition === undefined) throw new Error(`Kafka has no message "${name}"`);
  return definition;
}

/** The fields that Kafka defines for a version. */
export function kafkaFields(fields: readonly KafkaField[], version: number): FieldInVersion[] {
  return fields
    .filter((field) => inRange(version, field.versions))
    .map((field) => ({
      name: field.name[0]!.toLowerCase() + field.name.slice(1),
      type: field.type,
      nullable: inRange(version, field.nullable),
      default: kafkaDefault(field),
      tag: inRange(version, field.tagged) ? field.tag! : null,
      ignorable: field.ignorable,
      fields: kafkaFields(field.fields, version),
    }));
}

/** The fields that a declaration has in a version. */
export function declaredFields(
  fields: Fields,
  version: number,
  isFlexible: boolean,
): FieldInVersion[] {
  return Object.entries(fields)
    .filter(([, field]) => inRange(version, field.versions))
    .map(([name, field]) => {
      const inner = field.element ?? field;
      return {
        name,
        type: field.element === undefined ? field.type : `[]${field.element.type}`,
        nullable: inRange(version, field.nullable),
        default: declaredDefault(field),
        tag: isFlexible && inRange(version, field.tagged) ? field.tag! : null,
        ignorable: field.ignorable,
        fields: inner.fields === undefined ? [] : declaredFields(inner.fields, version, isFlexible),
      };
    });
}

function parse(text: string): Map<string, KafkaDefinition> {
  const parsed = new Map<string, KafkaDefinition>();
  // The struct at each level of indentation.
  let levels: KafkaField[][] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const depth = line.search(/\S/) / 2;
    const words = line.trimStart().split(" ");
    if (depth === 0) {
      const fields: KafkaField[] = [];
      levels = [fields];
      parsed.set(words[2]!, {
        apiKey: words[1] === "-" ? undefined : Number(words[1]),
        name: words[2]!,
        validVersions: rangeOf(words[3]),
        flexibleVersions: rangeOf(words[4]),
        fields,
      });
    } else {
      const field = parseField(words);
      levels[depth - 1]!.push(field);
      levels[depth] = field.fields;
    }
  }
  return parsed;
}

function parseField([name, type, versions, ...rest]: readonly string[]): KafkaField {
  const options = new Map(rest.map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
  }));
  const tag = options.get("tag");
  return {
    name: name!,
    type: type!,
    versions: rangeOf(versions),
    nullable: rangeOf(options.get("nullable")),
    tag: tag === undefined ? undefined : Number(tag),
    tagged: rangeOf(options.get("tagged")),
    default: options.get("default"),
    ignorable: options.has("ignorable"),
    fields: [],
  };
}

function rangeOf(versions: string | undefined): VersionRange {
  return versions === undefined || versions === "none" ? NO_VERSIONS : versionRange(versions);
}

function kafkaDefault({ type, default: given }: KafkaField): FieldInVersion["default"] {
  if (given === "null") return null;
  if (type.startsWith("[]")) return "empty";
  switch (type) {
    case "struct":
    case "bytes":
      return "empty";
    case "records":
      return null;
    case "string":
      return given ?? "";
    case "uuid":
      return ZERO_UUID;
    case "bool":
      return given?.toLowerCase() === "true";
    default:
      return Number(given ?? 0);
  }
}

function declaredDefault(field: Field): FieldInVersion["default"] {
  if (field.default === null) return null;
  switch (field.type) {
    case "array":
      assertEquals(field.default, []);
      return "empty";
    case "struct":
      assertEquals(field.default ?? {}, {});
      return "empty";
    case "bytes":
      assertEquals((field.default as Uint8Array).length, 0);
      return "empty";
    default:
      return field.default as string | number | boolean;
  }
}
