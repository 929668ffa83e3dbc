/**
 * Tests of topics as Server-Sent Events.
 *
 * @module
 */

import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { partsOf } from "../../broker/broker.ts";
import { Broker, silentLogger } from "../../broker/mod.ts";
import type { OutgoingMessage } from "../../client/mod.ts";
import { EventStream } from "../support/event_stream.ts";
import { HttpBroker } from "../support/http.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Sends values to a partition. */
async function send(
  http: HttpBroker,
  values: readonly string[],
  more: Partial<OutgoingMessage> = {},
): Promise<void> {
  await http.client.producer().sendBatch(
    values.map((value) => ({ topic: "a", partition: 0, value, ...more })),
  );
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

function open(http: HttpBroker, query: string, lastEventId?: string): Promise<EventStream> {
  return EventStream.open(`${http.url}/topics/a/stream?${query}`, lastEventId);
}

/** The values of records. */
function values(records: readonly Record<string, unknown>[]): unknown[] {
  return records.map(({ value }) => value);
}

/** The values of the records that a query has, up to the end of the stream. */
async function read(http: HttpBroker, query: string): Promise<unknown[]> {
  await using stream = await open(http, query);
  const events = await stream.all();
  assertEquals(events.at(-1)?.name, "end");
  return values(events.filter(({ name }) => name === "message").flatMap(({ data }) => data));
}

Deno.test("GET /topics/{t}/stream reads ranges, and ends", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, numbers(0, 10), { timestamp: 1_700_000_000_000 });
  await send(http, numbers(10, 20), { timestamp: 1_700_000_100_000 });
  const cases: [query: string, expected: string[]][] = [
    ["offset=start&exit=1", numbers(0, 20)],
    ["offset=-3&exit", numbers(17, 20)],
    ["offset=5:8", numbers(5, 8)],
    ["offset=%2B18&exit=1", numbers(18, 20)],
    ["offset=18&exit=true", numbers(18, 20)],
    ["offset=:end", numbers(0, 20)],
    ["offset=@1700000100000&exit=1", numbers(10, 20)],
    ["offset=end&exit=1", []],
    ["offset=18:99&exit=1", numbers(18, 20)],
    ["offset=99:100&exit=1", []],
    ["offset=@1700000100000:1h&exit=1", numbers(10, 20)],
    ["offset=start&limit=4", numbers(0, 4)],
    ["offset=start&limit=0", []],
    ["offset=start&exit=1&rate=1000", numbers(0, 20)],
    ["offset=start&exit=1&batch=1", numbers(0, 20)],
    ["offset=start&exit=1&partition=0", numbers(0, 20)],
  ];
  for (const [query, expected] of cases) {
    await t.step(query, async () => assertEquals(await read(http, query), expected));
  }
});

Deno.test("GET /topics/{t}/stream sends records in portions at the rate that is asked for, or allowed", async () => {
  for (
    const [query, streamRate] of [["&rate=40", undefined], ["", 40], ["&rate=900", 40]] as const
  ) {
    await using http = await HttpBroker.start({ streamRate });
    await http.client.admin().createTopic({ name: "a" });
    await send(http, numbers(0, 7));
    await using stream = await open(http, `offset=start&exit=1&batch=1${query}`);
    const events = (await stream.all()).filter(({ name }) => name === "message");
    assertEquals(events.map(({ data }) => data.length), [2, 2, 2, 1]);
    assertEquals(values(events.flatMap(({ data }) => data)), numbers(0, 7));
    assertEquals(events.map(({ id }) => id), ["0:2", "0:4", "0:6", "0:7"]);
  }
});

Deno.test("GET /topics/{t}/stream tells a reader what it missed because of its rate", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using stream = await open(http, "rate=2");
  await stream.until("caught-up");
  // So large that a ring keeps one or two.
  const large = "x".repeat(800_000);
  let hasGap = false;
  const sending = (async () => {
    while (!hasGap) await send(http, [large]);
  })();
  let nextOffset = 0;
  let event = await stream.next();
  for (; event?.name === "message"; event = await stream.next()) {
    assertEquals(event.data.offset, nextOffset++);
  }
  hasGap = true;
  await sending;
  const { name, data } = event!;
  assertEquals([name, data.reason, data.from], ["gap", "slow", nextOffset]);
  const [next] = await stream.records(1);
  assertEquals(next!.offset, data.to, "the gap says exactly what is not sent");
});

Deno.test("GET /topics/{t}/stream filters by key, header and text", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, ["apple"], { key: "alice", headers: [["type", "fruit"], ["n", "1"]] });
  await send(http, ["pear"], { key: "alice:b", headers: [["type", "a:b"]] });
  await send(http, ["leek"], { headers: [["type", null]] });
  await http.client.producer().send({ topic: "a", key: "alice", value: null });
  const cases: [query: string, expected: unknown[]][] = [
    ["key=alice", ["apple", null]],
    ["key=alice:b", ["pear"]],
    ["header=type:fruit", ["apple"]],
    ["header=type:a:b", ["pear"]],
    ["header=type:fruit&header=n:1", ["apple"]],
    ["header=type:fruit&header=n:2", []],
    ["text=ea", ["pear"]],
    ["text=alice", ["apple", "pear", null]],
    ["text=alice&key=alice", ["apple", null]],
    ["key=nobody", []],
  ];
  for (const [query, expected] of cases) {
    await t.step(query, async () => {
      assertEquals(await read(http, `offset=start&exit=1&${query}`), expected);
    });
  }
});

Deno.test("GET /topics/{t}/stream filters by an expression in CEL", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const orders = [
    '{"total":150,"user":{"name":"alice"},"tags":["x","y"]}',
    '{"total":50,"id":73314510714175488}',
    '{"total":1.5,"id":73314510714175490}',
    "not JSON",
  ];
  await send(http, orders, { key: "k1", headers: [["type", "order"]] });
  await http.client.producer().send({ topic: "a", value: null });
  const cases: [filter: string, expected: unknown[]][] = [
    ["value.total > 100", [orders[0]]],
    ["value.total < 100 && value.total > 1", [orders[1], orders[2]]],
    ['value.user.name == "alice"', [orders[0]]],
    ['value.?user.?name.orValue("") == "alice"', [orders[0]]],
    ['value.tags.exists(tag, tag == "y")', [orders[0]]],
    ["value.id == 73314510714175490", [orders[2]]],
    ["value.id == 73314510714175489", []],
    ['text.contains("JSON")', [orders[3]]],
    ['headers["type"] == "order" && offset > 2', [orders[3]]],
    ['key.startsWith("k") && partition == 0 && size > 50', [orders[0]]],
    ["value == null", [orders[3], null]],
    ["timestamp > 0 && value.total == 50", [orders[1]]],
  ];
  for (const [filter, expected] of cases) {
    await t.step(filter, async () => {
      const query = `offset=start&exit=1&filter=${encodeURIComponent(filter)}`;
      assertEquals(await read(http, query), expected);
    });
  }
  const refused = [
    "value.total >",
    "total > 100",
    "value.total + 1",
    '"a"',
    'text.matches("(a+)+$")',
    "value.tags.all(a, value.tags.all(b, a == b))",
    `text == "${"x".repeat(2100)}"`,
    Array.from({ length: 120 }, () => "offset > 1").join(" && "),
    "no_such(1)",
  ];
  for (const filter of refused) {
    await t.step(`refuses ${filter.slice(0, 50)}`, async () => {
      const answer = await http.get(`/topics/a/stream?filter=${encodeURIComponent(filter)}`);
      assertEquals([answer.status, answer.json.error_code], [400, 400]);
      assert(answer.json.message.startsWith('"filter" is '), answer.json.message);
    });
  }
  await using live = await open(http, `filter=${encodeURIComponent("value.n == 7")}`);
  await live.until("caught-up");
  await send(http, ['{"n":6}', '{"n":7}', '{"n":8}']);
  assertEquals(values(await live.records(1)), ['{"n":7}']);
});

Deno.test("GET /topics/{t}/stream shows records as JSON, values in whole or in part", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await http.client.producer().send({
    topic: "a",
    key: Uint8Array.of(0xff),
    value: 'line\n"two"',
    headers: [["h", "1"], ["h", null]],
    timestamp: 5,
  });
  const first = async (query: string) => {
    await using stream = await open(http, `offset=start&limit=1&${query}`);
    return (await stream.records(1))[0]!;
  };
  assertEquals(await first(""), {
    topic: "a",
    partition: 0,
    offset: 0,
    timestamp: 5,
    headers: [{ key: "h", value: "1" }, { key: "h", value: null }],
    key_base64: "/w==",
    value: 'line\n"two"',
  });
  assertObjectMatch(await first("value=4"), { value: "line", value_size: 10, value_cut: true });
  assertObjectMatch(await first("value=none"), { value: "", value_size: 10, value_cut: true });
  assertEquals("value_cut" in await first("value=10"), false);
});

Deno.test("GET /topics/{t}/stream refuses what it cannot do", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const cases: [path: string, status: number, errorCode: number][] = [
    ["/topics/nix/stream", 404, 40403],
    ["/topics/a/stream?partition=1", 404, 40402],
    ["/topics/a/stream?partition=x", 400, 400],
    ["/topics/a/stream?offset=soon", 400, 400],
    ["/topics/a/stream?offset=5:2", 400, 400],
    ["/topics/a/stream?header=x", 400, 400],
    ["/topics/a/stream?limit=-1", 400, 400],
    ["/topics/a/stream?on-slow=wait", 400, 400],
    ["/topics/a/stream?rate=0", 400, 400],
    ["/topics/a/stream?rate=fast", 400, 400],
    ["/topics/a/stream?isolation=serializable", 400, 400],
    ["/topics/a/stream?ofset=start", 400, 400],
    ["/topics/a/stream?last-event-id=x", 400, 400],
    [`/topics/a/stream?text=${"x".repeat(5000)}`, 400, 400],
  ];
  for (const [path, status, errorCode] of cases) {
    await t.step(path.slice(0, 60), async () => {
      const answer = await http.get(path);
      assertEquals([answer.status, answer.json.error_code], [status, errorCode]);
    });
  }
});

Deno.test("GET /topics/{t}/stream follows several partitions, each in order", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 12 });
  await using stream = await open(http, "");
  const progress = await stream.until("progress");
  assert(progress.id!.startsWith("v1."));
  await stream.until("caught-up");
  const sent: string[] = [];
  for (let round = 0; round < 5; round++) {
    for (let partition = 0; partition < 12; partition++) {
      sent.push(`${partition}/${round}`);
      await send(http, [`${partition}/${round}`], { partition });
    }
  }
  const got = values(await stream.records(sent.length)) as string[];
  assertEquals(got.toSorted(), sent.toSorted());
  const ofOne = got.filter((value) => value.startsWith("7/"));
  assertEquals(ofOne, ["7/0", "7/1", "7/2", "7/3", "7/4"]);
});

Deno.test("GET /topics/{t}/stream continues after an event, by header or parameter", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, numbers(0, 5));
  let id: string;
  {
    await using stream = await open(http, "offset=start");
    assertEquals(values(await stream.records(3)), ["0", "1", "2"]);
    id = stream.lastEventId!;
  }
  await send(http, ["5"]);
  {
    await using stream = await open(http, "offset=start", id);
    assertEquals(values(await stream.records(3)), ["3", "4", "5"]);
    await send(http, ["6"]);
    assertEquals(values(await stream.records(1)), ["6"]);
  }
  {
    await using stream = await open(http, `offset=start&last-event-id=${id}`);
    assertEquals(values(await stream.records(1)), ["3"]);
  }
  await using ended = await open(http, "offset=start&exit=1");
  const last = (await ended.all()).at(-1)!;
  assertEquals(last.name, "end");
  await using again = await open(http, "offset=start&exit=1", last.id);
  assertEquals(again.status, 204, "an EventSource then stops");
});

Deno.test("GET /topics/{t}/stream loses and doubles nothing when the broker starts again", async () => {
  await using folder = await TemporaryFolder.create();
  const start = async () =>
    HttpBroker.of(
      await Broker.start({
        listen: [],
        config: { "log.dirs": folder.join("data") },
        logger: silentLogger,
      }),
    );
  const got: unknown[] = [];
  let id: string | undefined;
  for (let round = 0; round < 3; round++) {
    await using http = await start();
    if (round === 0) await http.client.admin().createTopic({ name: "a" });
    await using stream = await open(http, "offset=start", id);
    await send(http, numbers(10 * round, 10 * round + 10));
    // Some of what was written is not read before the broker stops.
    got.push(...values(await stream.records(7)));
    id = stream.lastEventId;
  }
  await using http = await start();
  await using stream = await open(http, "offset=start", id);
  got.push(...values(await stream.records(9)));
  assertEquals(got, numbers(0, 30));
});

/** Adds partitions, and lets the broker's client see them at once instead of after some seconds. */
async function addPartitions(http: HttpBroker, count: number): Promise<void> {
  await http.client.admin().createPartitions("a", count);
  const { status } = await http.get(`/topics/a/partitions/${count - 1}/records?timeout=0`);
  assertEquals(status, 200);
}

Deno.test("GET /topics/{t}/stream follows partitions that are added, and continues in them", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, ["0"]);
  let id: string;
  {
    await using all = await open(http, "");
    await using first = await open(http, "partition=0");
    await all.until("caught-up");
    await first.until("caught-up");
    await addPartitions(http, 3);
    await send(http, ["2/0", "2/1"], { partition: 2 });
    assertEquals(values(await all.records(2)), ["2/0", "2/1"]);
    await send(http, ["1"]);
    assertEquals(values(await all.records(1)), ["1"]);
    assertEquals(values(await first.records(1)), ["1"], "only what was asked for");
    id = all.lastEventId!;
    assertEquals(id, "0:2,1:0,2:2");
    assertEquals(first.lastEventId, "0:2");
  }
  await addPartitions(http, 4);
  await send(http, ["3/0"], { partition: 3 });
  await send(http, ["2/2"], { partition: 2 });
  await using again = await open(http, "", id);
  const missed = values(await again.records(2)) as string[];
  assertEquals(missed.toSorted(), ["2/2", "3/0"], "written while nobody read");
  await send(http, ["3/1"], { partition: 3 });
  assertEquals(values(await again.records(1)), ["3/1"]);
});

Deno.test("GET /topics/{t}/stream reads partitions that are added up to a limit", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using stream = await open(http, "limit=3");
  await send(http, ["0"]);
  assertEquals(values(await stream.records(1)), ["0"]);
  await addPartitions(http, 2);
  await send(http, ["1/0", "1/1", "1/2"], { partition: 1 });
  assertEquals(values(await stream.records(2)), ["1/0", "1/1"]);
  assertEquals((await stream.next())?.name, "end");
});

Deno.test("GET /topics/{t}/stream has ids with every partition, also those that others do not follow yet", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using early = await open(http, "");
  await early.until("caught-up");
  await http.client.admin().createPartitions("a", 2);
  await send(http, ["1/0", "1/1"], { partition: 1 });
  let id: string;
  {
    await using late = await open(http, "offset=start");
    assertEquals(values(await late.records(2)), ["1/0", "1/1"]);
    await late.until("caught-up");
    await send(http, ["0"]);
    assertEquals(values(await late.records(1)), ["0"]);
    id = late.lastEventId!;
  }
  assertEquals(id, "0:1,1:2");
  await send(http, ["1/2"], { partition: 1 });
  await using again = await open(http, "offset=start", id);
  assertEquals(values(await again.records(1)), ["1/2"]);
  const seen = values(await early.records(4)) as string[];
  assertEquals(seen.toSorted(), ["0", "1/0", "1/1", "1/2"]);
});

Deno.test("GET /topics/{t}/stream says what retention, or another leader, took away", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, numbers(0, 10));
  await http.client.admin().deleteRecords("a", { 0: 6 });
  await using stream = await open(http, "", "0:2");
  const gap = await stream.next();
  assertEquals([gap!.name, gap!.data], ["gap", {
    partition: 0,
    from: 2,
    to: 6,
    reason: "retention",
  }]);
  assertEquals(values(await stream.records(4)), numbers(6, 10));
  await using beyond = await open(http, "", "0:50");
  const cut = await beyond.next();
  assertEquals(cut!.data, { partition: 0, from: 50, to: 10, reason: "truncated" });
  await send(http, ["10"]);
  assertEquals(values(await beyond.records(1)), ["10"]);
});

Deno.test("GET /topics/{t}/stream tells how far it is while nothing matches", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using stream = await open(http, "key=rare");
  await stream.until("caught-up");
  let isDone = false;
  const sending = (async () => {
    while (!isDone) {
      await send(http, ["x"]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const progress = await stream.until("progress");
  assert(progress.data.scanned > 0);
  assertEquals(progress.data.matched, 0);
  isDone = true;
  await sending;
  await send(http, ["found"], { key: "rare" });
  assertEquals(values(await stream.records(1)), ["found"]);
});

Deno.test("GET /topics/{t}/stream ends with an error when the topic is deleted", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using stream = await open(http, "");
  await stream.until("caught-up");
  await http.client.admin().deleteTopic("a");
  const error = await stream.until("error");
  assertEquals(error.data.error_code, 40403);
  assertEquals(await stream.next(), undefined);
});

Deno.test("GET /topics/{t}/stream ends, without an error, when the broker stops", async () => {
  const http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using stream = await open(http, "");
  await stream.until("caught-up");
  await http[Symbol.asyncDispose]();
  assertEquals(await stream.all(), []);
});

for (const onSlow of ["skip", "close"]) {
  Deno.test(`GET /topics/{t}/stream bounds the memory of a slow reader: on-slow=${onSlow}`, async () => {
    await using http = await HttpBroker.start();
    await http.client.admin().createTopic({ name: "a" });
    await using slow = await open(http, `on-slow=${onSlow}`);
    await using quick = await open(http, "");
    await Promise.all([slow.until("caught-up"), quick.until("caught-up")]);
    const value = "x".repeat(100_000);
    // More than sockets take, and more than a ring.
    for (let i = 0; i < 30; i++) {
      await send(http, Array.from({ length: 10 }, () => value));
      await quick.records(10);
    }
    await send(http, ["last"]);
    assertEquals(values(await quick.records(1)), ["last"]);
    let last = -1;
    for (;;) {
      const event = await slow.next();
      if (event!.name === "message") {
        assertEquals(event!.data.offset, last + 1);
        last = event!.data.offset;
      } else if (event!.name === "gap") {
        assertEquals(event!.data.from, last + 1);
        assertEquals(event!.data.reason, "slow");
        last = event!.data.to - 1;
        break;
      }
    }
    if (onSlow === "close") {
      assertEquals((await slow.next())!.data.error_code, 40801);
      assertEquals(await slow.next(), undefined);
      return;
    }
    while (last < 300) {
      const [{ offset }] = await slow.records(1) as [{ offset: number }];
      assert(offset > last);
      last = offset;
    }
  });
}

Deno.test("GET /topics/{t}/stream reads new records once for many readers", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using opened = new AsyncDisposableStack();
  const streams: EventStream[] = [];
  for (let i = 0; i < 50; i++) streams.push(opened.use(await open(http, "")));
  await Promise.all(streams.map((stream) => stream.until("caught-up")));
  const { counters } = partsOf(http.broker).context;
  await send(http, numbers(0, 20));
  const got = await Promise.all(streams.map((stream) => stream.records(20)));
  for (const records of got) assertEquals(values(records), numbers(0, 20));
  const { traffic } = partsOf(http.broker).context.topics.partition("a", 0)!;
  assertEquals(traffic.recordsOut, 20);
  assert(counters.cacheHits >= 1);
});

Deno.test("Stream says how many records a filter could not be evaluated for", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const large = JSON.stringify({ n: 7, text: "x".repeat(200_000) });
  await send(http, ['{"n":7}', '{"m":7}', "no JSON", '{"n":"7"}', large]);
  const endOf = async (filter: string) => {
    await using stream = await open(http, `offset=:end&filter=${encodeURIComponent(filter)}`);
    return (await stream.all()).at(-1)!.data;
  };
  assertEquals(await endOf("value.n == 7"), { matched: 1, scanned: 5, skipped: 3 });
  assertEquals(await endOf("value.o == 7"), { matched: 0, scanned: 5, skipped: 5 });
  assertEquals(await endOf("offset >= 3"), { matched: 2, scanned: 5 });
});

Deno.test("Stream cuts values between characters, and says how long they are", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, ["aäöü", "🐟🐟", "abc"]);
  await http.client.producer().send({
    topic: "a",
    value: new Uint8Array([255, 254, 128, 128, 128, 1]),
  });
  const cut = async (value: string) => {
    await using stream = await open(http, `offset=:end&value=${value}`);
    const records = (await stream.all()).filter(({ name }) => name === "message");
    return records.map(({ data }) => {
      const { value, value_base64, value_size, value_cut } = data as Record<string, unknown>;
      return [value ?? value_base64, value_size, value_cut];
    });
  };
  assertEquals(await cut("4"), [
    ["aä", 7, true],
    ["🐟", 8, true],
    ["abc", undefined, undefined],
    [new Uint8Array([255, 254, 128, 128]).toBase64(), 6, true],
  ]);
  assertEquals((await cut("7")).map(([value]) => value).slice(0, 2), ["aäöü", "🐟"]);
  assertEquals((await cut("none"))[0], ["", 7, true]);
});

Deno.test("Stream without a last event begins where its query says", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await send(http, numbers(0, 3));
  assertEquals(await read(http, "offset=1:end&last-event-id="), ["1", "2"]);
  for (const id of ["x", "0", "0:-1", "0:1;1:2", "v1.", "v1.!!", "0:99999999999999999999"]) {
    const { status } = await http.get(`/topics/a/stream?last-event-id=${encodeURIComponent(id)}`);
    assertEquals(status, id.endsWith("!") ? 204 : 400, id);
  }
});
