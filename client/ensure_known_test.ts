import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { Client } from "./client.ts";
import { DqueueError, UsageError } from "./errors.ts";
import { setup } from "./testing/client_setup.ts";

Deno.test("Client, producer(), consumer() and groupConsumer() reject unknown options with a suggestion", async () => {
  await using test = setup();
  const { client, cluster: broker } = test;
  const cases: [call: () => unknown, message: string][] = [
    [
      () => new Client({ broker, tiemout: 5 } as never),
      '"tiemout" of Client: it is unknown',
    ],
    [() => new Client({ broker, tiemout: 5 } as never), 'did you mean "timeoutMs"'],
    [
      () => new Client({ broker, retry: { retries: 5 } } as never),
      '"retries" of retry: it is unknown',
    ],
    [() => client.producer({ linger: 5 } as never), 'did you mean "lingerMs"'],
    [() => client.producer({ lingreMs: 5 } as never), 'did you mean "lingerMs"'],
    [() => client.consumer({ maxwait: 5 } as never), 'did you mean "maxWaitMs"'],
    [
      () => client.groupConsumer({ groupId: "g", topics: "a", sesionTimeout: 5 } as never),
      'did you mean "sessionTimeoutMs"',
    ],
    [() => client.producer({ ack: 1 } as never), 'did you mean "acks"'],
    [
      () => client.consumer({ autoOfsetReset: "latest" } as never),
      'did you mean "autoOffsetReset"',
    ],
    [() => client.consumer({ groupId: "g" } as never), '"groupId" of consumer()'],
    [
      () => client.groupConsumer({ groupId: "g", topics: "a", autocommit: false } as never),
      'did you mean "autoCommit"',
    ],
  ];
  for (const [call, message] of cases) assertThrows(call, UsageError, message);
  const error = assertThrows(() => client.consumer({ fromBeginning: true } as never));
  assertInstanceOf(error, DqueueError);
  assertEquals(
    error.advice.startsWith("Known options are autoOffsetReset, isolationLevel, "),
    true,
  );
});

Deno.test("Calls reject for unknown options, and have no effect", async () => {
  await using test = setup();
  const { client } = test;
  const admin = client.admin();
  const consumer = client.consumer();
  const member = client.groupConsumer({ groupId: "g", topics: "a" });
  const producer = client.producer();
  const typo = { timout: 5 } as never;
  const calls: Record<string, () => Promise<unknown>> = {
    "createTopic()": () => admin.createTopic({ name: "b" }, typo),
    "deleteTopics()": () => admin.deleteTopics(["a"], typo),
    "listTopics()": () => admin.listTopics(typo),
    "describeTopics()": () => admin.describeTopics(["a"], typo),
    "listOffsets()": () => admin.listOffsets("a", "latest", typo),
    "deleteRecords()": () => admin.deleteRecords("a", { 0: "latest" }, typo),
    "describeCluster()": () => admin.describeCluster(typo),
    "listGroups()": () => admin.listGroups(typo),
    "resetGroupOffsets()": () => admin.resetGroupOffsets("g", "a", "earliest", typo),
    "deleteGroupOffsets()": () => admin.deleteGroupOffsets("g", [], typo),
    "discoverController()": () => client.discoverController(typo),
    "subscribe()": () => consumer.subscribe("a", typo),
    "addTopics()": () => consumer.addTopics("a", typo),
    "seek()": () => consumer.seek("a", 0, 0, typo),
    "poll()": () => consumer.poll(1, typo),
    "fetchFrom()": () => consumer.fetchFrom("a", 0, 0, typo),
    "joinGroup()": () => member.joinGroup(typo),
    "commit()": () => member.commit(typo),
    "commitOffset()": () => member.commitOffset("a", 0, 0, undefined, typo),
    "fetchCommittedOffset()": () => member.fetchCommittedOffset("a", 0, typo),
    "close()": () => producer.close(typo),
  };
  for (const [name, call] of Object.entries(calls)) {
    const message =
      `Cannot use option "timout" of ${name}: it is unknown, did you mean "timeoutMs"`;
    await assertRejects(call, UsageError, message);
  }
  await assertRejects(() => consumer.subscribe("a", 0, () => {}, typo), UsageError, "timout");
  await assertRejects(() => consumer.poll(1, 5000 as never), UsageError, "it must be an object");
  await assertRejects(
    () => consumer.poll(1, null as never),
    UsageError,
    "Cannot use null as options",
  );
  assertEquals(test.cluster.requests.length, 0);
  await producer.close();
});

Deno.test("Admin.createTopics() rejects a topic with an unknown property", async () => {
  await using test = setup();
  const admin = test.client.admin();
  const topic = { name: "b", partitons: 3 };
  const message = 'did you mean "partitions"';
  await assertRejects(() => admin.createTopic(topic), UsageError, message);
  await assertRejects(() => admin.createTopics([{ name: "c" }, topic]), UsageError, message);
  assertEquals((await admin.listTopics()).map(({ name }) => name), ["a"]);
});
