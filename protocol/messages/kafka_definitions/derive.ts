/**
 * Creates `definitions.txt` from Apache Kafka's message definitions.
 *
 *     deno run --allow-read --allow-write protocol/messages/kafka_definitions/derive.ts FOLDER
 *
 * FOLDER has the JSON files of Kafka's source code, at any depth. Only facts are extracted: names,
 * types, versions, nullability, tags, defaults. `kafka_definition_testing.ts` documents the format.
 */

import { parseArgs } from "node:util";

interface Definition {
  readonly type: string;
  readonly apiKey?: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions?: string;
  readonly fields?: readonly Field[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly Field[] }[];
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean | null;
  readonly ignorable?: boolean;
  readonly fields?: readonly Field[];
}

const HEADER =
  `# The messages of Apache Kafka 4.2, derived from its message definitions by derive.ts.
# Apache Kafka is licensed under the Apache License 2.0.
`;

async function* definitionsIn(folder: string): AsyncGenerator<Definition> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* definitionsIn(path);
    else if (path.endsWith(".json")) {
      const text = await Deno.readTextFile(path);
      yield JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ""));
    }
  }
}

function* linesOf(definition: Definition): Generator<string> {
  const { type, apiKey, name, validVersions, flexibleVersions = "none" } = definition;
  yield "";
  yield `${type} ${apiKey ?? "-"} ${name} ${validVersions} ${flexibleVersions}`;
  const structs = new Map(
    definition.commonStructs?.map(({ name, fields }) => [name, fields]),
  );
  for (const field of definition.fields ?? []) yield* fieldLines(field, structs, "  ");
}

function* fieldLines(
  field: Field,
  structs: ReadonlyMap<string, readonly Field[]>,
  indent: string,
): Generator<string> {
  const isArray = field.type.startsWith("[]");
  const inner = field.fields ?? structs.get(isArray ? field.type.slice(2) : field.type);
  const type = inner === undefined ? field.type : isArray ? "[]struct" : "struct";
  // A tagged field without versions is present in its tagged versions.
  const words = [field.name, type, field.versions ?? field.taggedVersions!];
  if (field.nullableVersions !== undefined) words.push(`nullable=${field.nullableVersions}`);
  if (field.tag !== undefined) words.push(`tag=${field.tag}`, `tagged=${field.taggedVersions}`);
  if (field.default !== undefined) words.push(`default=${field.default}`);
  if (field.ignorable === true) words.push("ignorable");
  yield indent + words.join(" ");
  for (const child of inner ?? []) yield* fieldLines(child, structs, indent + "  ");
}

if (import.meta.main) {
  const { positionals: [folder] } = parseArgs({ allowPositionals: true });
  if (folder === undefined) {
    console.error("Name the folder of Kafka's message definitions");
    Deno.exit(2);
  }
  const definitions = await Array.fromAsync(definitionsIn(folder));
  definitions.sort((a, b) =>
    a.type.localeCompare(b.type) || (a.apiKey ?? -1) - (b.apiKey ?? -1) ||
    a.name.localeCompare(b.name)
  );
  const lines = definitions.flatMap((definition) => [...linesOf(definition)]);
  await Deno.writeTextFile(
    new URL("definitions.txt", import.meta.url),
    HEADER + lines.join("\n") + "\n",
  );
}
