import { assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../protocol/random_testing.ts";
import { Lanes, ProducerIds } from "./lane.ts";
import { RecordBook } from "./record_book.ts";
import { Violation } from "./violation.ts";

Deno.test("Lane.next() numbers an idempotent producer's batches, and has room for one until one is acknowledged", () => {
  const lanes = new Lanes<string>();
  const lane = lanes.of("a");
  assertEquals(lanes.of("a"), lane);
  const book = new RecordBook();
  const options = { isIdempotent: true, acks: -1, configVersion: 0, onLost: () => {} } as const;
  const draw = () => lane.next(book.draw(new Random(1), 0, options), 7);
  const [first, second] = [draw(), draw()];
  assertEquals(first.identity, { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  assertEquals(second.identity!.baseSequence, first.batch.records.length);
  assertEquals(lane.hasRoom, true);
  lane.unresolved.push(first, second);
  assertEquals(lane.hasRoom, false);
  lane.acknowledge(first, 20);
  assertEquals([lane.unresolved, lane.hasRoom], [[second], true]);
});

Deno.test("ProducerIds.add() fails if an id is given twice", () => {
  const ids = new ProducerIds();
  ids.add(1);
  ids.add(2);
  assertThrows(() => ids.add(1), Violation);
});
