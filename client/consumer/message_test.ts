import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import {
  RecordBatchBuilder,
  type RecordData,
} from "../../protocol/records/record_batch_builder.ts";
import { SerializationError } from "../errors.ts";
import { Message } from "./message.ts";

function message(key: RecordData, value: RecordData): Message {
  const builder = new RecordBatchBuilder({ baseOffset: 5 });
  builder.append(1234, key, value, [{ key: "h", value: "x" }]);
  const [record] = new RecordBatch(builder.build()).records();
  const origin = {
    topic: "a",
    partition: 3,
    leaderEpoch: 2,
    timestampType: "CreateTime" as const,
  };
  return new Message(origin, record!);
}

Deno.test("Message has the place and content of its record", () => {
  const { topic, partition, offset, timestamp, leaderEpoch, keySize, valueSize } = message(
    "k",
    "v1",
  );
  assertEquals(
    { topic, partition, offset, timestamp, leaderEpoch, keySize, valueSize },
    {
      topic: "a",
      partition: 3,
      offset: 5,
      timestamp: 1234,
      leaderEpoch: 2,
      keySize: 1,
      valueSize: 2,
    },
  );
});

Deno.test("Message.text() and keyText() decode UTF-8 and keep a byte order mark", () => {
  assertEquals(message("ключ", "日本\ufeff").text(), "日本\ufeff");
  assertEquals(message("\ufeffключ", "").keyText(), "\ufeffключ");
  assertEquals(message(null, Uint8Array.of(0xff, 0x61)).text(), "\ufffda");
});

Deno.test("Message distinguishes null from empty", () => {
  const tombstone = message(null, null);
  assertEquals([tombstone.key, tombstone.keyText(), tombstone.keySize], [null, null, -1]);
  assertEquals([tombstone.value, tombstone.text(), tombstone.valueSize], [null, "", -1]);
  assertEquals(tombstone.json(), null);
  const empty = message("", "");
  assertEquals([empty.key?.length, empty.keyText(), empty.value?.length], [0, "", 0]);
});

Deno.test("Message.json() parses JSON, or throws an error that names the message", () => {
  assertEquals(message(null, '{"a":[1,null]}').json<{ a: unknown[] }>().a, [1, null]);
  assertThrows(
    () => message(null, "{").json(),
    SerializationError,
    "Cannot read value of a-3 at offset 5 as JSON: ",
  );
});

Deno.test("Message shows its content in Deno.inspect()", () => {
  const shown = Deno.inspect(message("k", "v"));
  assertStringIncludes(shown, 'topic: "a"');
  assertStringIncludes(shown, 'value: "v"');
  assertStringIncludes(Deno.inspect(message(null, null)), "value: null");
});
