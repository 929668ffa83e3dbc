import { assertEquals } from "@std/assert";
import { Availability, formatTable, SendTimes } from "./unavailability.ts";

Deno.test("Availability.gaps() is the longest time without an acknowledgement", async (t) => {
  const gapsOf = (times: readonly number[], fromMs: number, toMs: number) => {
    const availability = new Availability(1);
    for (const time of times) availability.note(0, time);
    return availability.gaps(fromMs, toMs);
  };
  await t.step("within the period", () => {
    assertEquals(gapsOf([10, 20, 70, 80, 95], 10, 100), [50]);
  });
  await t.step("from its beginning", () => assertEquals(gapsOf([0, 60, 70, 99], 10, 100), [50]));
  await t.step("to its end", () => assertEquals(gapsOf([20, 30], 10, 100), [70]));
  await t.step("without any", () => assertEquals(gapsOf([], 10, 100), [90]));
  await t.step("of several clients, in no order", () => {
    assertEquals(gapsOf([50, 20, 80, 90], 10, 100), [30]);
  });
});

Deno.test("Availability.isBackSince() tells whether every partition is written to", () => {
  const availability = new Availability(2);
  availability.note(0, 10);
  assertEquals(availability.isBackSince(5), false);
  availability.note(1, 8);
  assertEquals([availability.isBackSince(5), availability.isBackSince(8)], [true, false]);
});

Deno.test("formatTable() has the median, the 99th percentile and the worst of each fault", () => {
  const table = formatTable(new Map([["kill", [100, 2000, 300]], ["a longer name", [50]]]));
  assertEquals(table, [
    "fault             times     p50     p99   worst",
    "kill                  3  0.30 s  2.00 s  2.00 s",
    "a longer name         1  0.05 s  0.05 s  0.05 s",
  ]);
});

Deno.test("SendTimes.percentile() is of the sends that ended since the last reset", () => {
  const times = new SendTimes();
  const send = (value: string, time: number) =>
    times.add({ type: "send", client: "p", partition: 0, value, time });
  const sent = (value: string, time: number) =>
    times.add({ type: "sent", partition: 0, offset: 0, value, time });
  for (const value of ["a", "b", "c", "d"]) send(value, 100);
  sent("a", 150);
  times.reset();
  assertEquals([times.percentile(0.5), times.failures], [0, 0]);
  sent("b", 110);
  sent("c", 300);
  times.add({ type: "failed", value: "d", isDefinite: false, error: "late", time: 400 });
  assertEquals([times.percentile(0.4), times.percentile(0.999), times.failures], [10, 200, 1]);
});

Deno.test("SendTimes.byClient has what began and ended since the last reset", () => {
  const times = new SendTimes();
  const send = (value: string, time: number) =>
    times.add({ type: "send", client: "p", partition: 0, value, time });
  const sent = (value: string, time: number) =>
    times.add({ type: "sent", partition: 0, offset: 0, value, time });
  send("sdk/0/1", 100);
  times.reset();
  send("sdk/0/2", 200);
  send("kafkajs/0/1", 210);
  for (const value of ["sdk/0/1", "sdk/0/2", "kafkajs/0/1"]) sent(value, 250);
  assertEquals(Object.fromEntries(times.byClient), { sdk: [50], kafkajs: [40] });
});
