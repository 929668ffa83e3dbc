import { assertEquals } from "@std/assert";
import { compressionName, CompressionType, compressionType } from "./compression_type.ts";

Deno.test("CompressionType has Kafka's numbers", () => {
  assertEquals({ ...CompressionType }, { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 });
});

Deno.test("compressionName() and compressionType() are inverse functions", () => {
  for (const [name, type] of Object.entries(CompressionType)) {
    assertEquals<string | undefined>(compressionName(type), name);
    assertEquals<number | undefined>(compressionType(name), type);
  }
});

Deno.test("compressionName() and compressionType() return undefined for unknown codecs", () => {
  assertEquals(compressionName(5), undefined);
  assertEquals(compressionName(-1), undefined);
  assertEquals(compressionType("brotli"), undefined);
  assertEquals(compressionType("toString"), undefined);
});
