import { assertEquals, assertThrows } from "@std/assert";
import { formatOffsetCheckpoint, readOffsetCheckpoint } from "./checkpoint_file.ts";
import { CorruptFileError } from "../errors.ts";
import { MemoryFileSystem } from "./memory_file_system.ts";
import { readMetaProperties, writeMetaProperties } from "../directory/meta_properties.ts";
import { readPartitionMetadata, writePartitionMetadata } from "../log/partition_metadata.ts";

function textOf(fs: MemoryFileSystem, path: string): string {
  return new TextDecoder().decode(fs.readFileSync(path));
}

function fileOf(text: string): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  fs.writeFileSync("/a", new TextEncoder().encode(text));
  return fs;
}

Deno.test("formatOffsetCheckpoint() and readOffsetCheckpoint() use Kafka's format", () => {
  const offsets = new Map([["orders-3", 4711], ["a-b.c_d-0", 0]]);
  const text = "0\n2\norders 3 4711\na-b.c_d 0 0\n";
  assertEquals(new TextDecoder().decode(formatOffsetCheckpoint(offsets)), text);
  assertEquals(readOffsetCheckpoint(fileOf(text), "/a"), offsets);
  assertEquals(readOffsetCheckpoint(fileOf(""), "/a"), new Map());
  assertEquals(readOffsetCheckpoint(new MemoryFileSystem(), "/a"), new Map());
});

Deno.test("readOffsetCheckpoint() rejects invalid text", () => {
  for (
    const text of [
      "1\n0\n",
      "0\n",
      "0\n2\norders 3 4711\n",
      "0\n1\norders 4711\n",
      "0\n1\norders 3 4711",
      "0\n0",
      "0\n1\norders 3 47x\n",
      "0\n1\norders 3 99999999999999999999\n",
      "\0\0\0\0",
    ]
  ) assertThrows(() => readOffsetCheckpoint(fileOf(text), "/a"), CorruptFileError, '"/a"');
});

Deno.test("writePartitionMetadata() and readPartitionMetadata() use Kafka's format", () => {
  const fs = new MemoryFileSystem();
  writePartitionMetadata(fs, "/a", "4v_2pRHCQ5K2LNRfgJ3mEg");
  assertEquals(textOf(fs, "/a"), "version: 0\ntopic_id: 4v_2pRHCQ5K2LNRfgJ3mEg");
  assertEquals(readPartitionMetadata(fs, "/a"), "4v_2pRHCQ5K2LNRfgJ3mEg");
  assertEquals(readPartitionMetadata(fs, "/none"), undefined);
  assertEquals(readPartitionMetadata(fileOf(""), "/a"), undefined);
  for (const text of ["version: 1\ntopic_id: 4v_2pRHCQ5K2LNRfgJ3mEg", "version: 0\ntopic_id: x"]) {
    assertThrows(() => readPartitionMetadata(fileOf(text), "/a"), CorruptFileError);
  }
});

Deno.test("writeMetaProperties() and readMetaProperties() use Kafka's properties", async () => {
  const fs = new MemoryFileSystem();
  const properties = { clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1, directoryId: "abc" };
  await writeMetaProperties(fs, "/a", properties);
  assertEquals(
    textOf(fs, "/a"),
    "version=1\ncluster.id=mQ2cDRTnRJ2DWrl_8Ee-JA\nnode.id=1\ndirectory.id=abc\n",
  );
  assertEquals(readMetaProperties(fs, "/a"), properties);
  assertEquals(readMetaProperties(fs, "/none"), undefined);
});

Deno.test("readMetaProperties() reads files of Kafka, and rejects incomplete ones", () => {
  const kafka = "#\n#Fri Nov 20 12:00:00 UTC 2026\ncluster.id=c\nversion=0\nbroker.id=7\n";
  assertEquals(readMetaProperties(fileOf(kafka), "/a"), {
    clusterId: "c",
    nodeId: 7,
    directoryId: undefined,
  });
  for (const text of ["", "version=2\n", "version=1\nnode.id=1\n", "version=1\ncluster.id=c\n"]) {
    assertThrows(() => readMetaProperties(fileOf(text), "/a"), CorruptFileError);
  }
});
