import { assert, assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import type { RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import { ApiError } from "../api_error.ts";
import { TestBroker } from "../broker_testing.ts";
import { envelopeHandler } from "../handlers/cluster/envelope.ts";
import { createTopicsHandler } from "../handlers/topics/create_topics.ts";
import { ForwardingManager } from "./forwarding_manager.ts";
import { setText } from "../metadata/metadata_store_contract_testing.ts";
import { type ReceivedEnvelope, TestNetwork } from "../peers/peer_testing.ts";
import { Peers } from "../peers/peers.ts";
import type { Session } from "../security/session.ts";

const OTHER = setText("brokers/2", JSON.stringify({ host: "other", port: 9092, rack: null }));
const OTHER_IN_OFFICE = setText("controller", JSON.stringify({ brokerId: 2 }));
const NOBODY_IN_OFFICE = setText("controller", JSON.stringify({ brokerId: 3 }));

/** A broker that forwards to another, which does what the test says. */
/** Whom requests are forwarded for. */
const CLIENT: Session = {
  principal: { type: "User", name: "alice" },
  host: "1.2.3.4",
  listener: { name: "SASL_PLAINTEXT", protocol: "SASL_PLAINTEXT" },
  isLocal: false,
};

class Fixture implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly network: TestNetwork;
  readonly #peers: Peers;
  readonly forwarding: ForwardingManager;

  private constructor(broker: TestBroker, receive: (received: ReceivedEnvelope) => void) {
    this.broker = broker;
    const { cluster, clock } = broker;
    this.network = new TestNetwork(receive);
    this.#peers = new Peers({ network: this.network, nodeId: 1, clock });
    const settled = () => broker.topics.settled();
    this.forwarding = new ForwardingManager({ cluster, peers: this.#peers, clock, settled });
  }

  static async start(receive: (received: ReceivedEnvelope) => void): Promise<Fixture> {
    const fixture = new Fixture(await TestBroker.start(), receive);
    await fixture.commit(OTHER, OTHER_IN_OFFICE);
    return fixture;
  }

  /** Changes the metadata, and waits until the broker knows. */
  async commit(...changes: Parameters<TestBroker["store"]["commit"]>[0]): Promise<number> {
    const revision = await this.broker.store.commit(changes);
    await this.broker.cluster.caughtUp(revision);
    return revision;
  }

  /** Forwards a request to create a topic. */
  create(name: string) {
    const request = { topics: [{ name, numPartitions: 1, replicationFactor: 1 }] };
    return this.forwarding.forward(createTopics, withDefaults(request), {
      apiVersion: 7,
      clientId: "client",
      session: CLIENT,
      signal: new AbortController().signal,
    });
  }

  /** Moves the clock until a promise is settled. */
  async advanceUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.then(() => isSettled = true, () => isSettled = true);
    while (!isSettled) {
      this.broker.clock.advance(10);
      await turn();
    }
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peers.close();
    await this.broker.close();
  }
}

/** Lets everything run that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function withDefaults(request: object): RequestOf<typeof createTopics> {
  const { topics } = request as { topics: object[] };
  return {
    topics: topics.map((topic) => ({ assignments: [], configs: [], ...topic })),
    timeoutMs: 1000,
    validateOnly: false,
  } as unknown as RequestOf<typeof createTopics>;
}

/** A broker that is the controller, and serves the envelopes it receives. */
function controller(broker: TestBroker): (received: ReceivedEnvelope) => Promise<void> {
  const handler = envelopeHandler([createTopicsHandler]);
  return async ({ request, respond }) => {
    // The epoch is of another store here.
    respond(await broker.call(envelope, handler, 0, { ...request, controllerEpoch: 0 }));
  };
}

function errorsOf(response: ResponseTo<typeof createTopics> | undefined): number[] | undefined {
  return response?.topics.map(({ errorCode }) => errorCode);
}

Deno.test("ForwardingManager.forward() gives the response of the controller (KIP-590)", async () => {
  await using remote = await TestBroker.start();
  const serve = controller(remote);
  await using fixture = await Fixture.start((received) => {
    // The revision is of another store here.
    serve({ ...received, respond: (response) => received.respond({ ...response, revision: 0 }) });
  });
  assertEquals(errorsOf(await fixture.create("a")), [ErrorCode.NONE]);
  assertEquals(remote.topics.get("a")?.state.partitions.length, 1);
  assertEquals(errorsOf(await fixture.create("a")), [ErrorCode.TOPIC_ALREADY_EXISTS]);
});

Deno.test("ForwardingManager.forward() waits until this broker knows what the controller has changed", async () => {
  const held = Promise.withResolvers<ReceivedEnvelope>();
  await using remote = await TestBroker.start();
  await using fixture = await Fixture.start(held.resolve);
  const { revision } = fixture.broker.cluster;
  const sent = fixture.create("a");
  let isDone = false;
  sent.then(() => isDone = true);
  const received = await held.promise;
  await controller(remote)({
    ...received,
    respond: (response) => received.respond({ ...response, revision: revision + 1 }),
  });
  for (let i = 0; i < 5; i++) await turn();
  assertEquals(isDone, false);
  await fixture.commit(setText("configs/brokers", "{}"));
  assertEquals(errorsOf(await sent), [ErrorCode.NONE]);
});

Deno.test("ForwardingManager.forward() asks the next controller if the first no longer is", async () => {
  await using remote = await TestBroker.start();
  let asked = 0;
  await using fixture = await Fixture.start((received) => {
    if (asked++ === 0) received.respond({ errorCode: ErrorCode.NOT_CONTROLLER });
    else {
      controller(remote)({
        ...received,
        respond: (response) => received.respond({ ...response, revision: 0 }),
      });
    }
  });
  assertEquals(errorsOf(await fixture.advanceUntil(fixture.create("a"))), [ErrorCode.NONE]);
  assertEquals(asked, 2);
});

Deno.test("ForwardingManager.forward() waits for a controller that cannot be reached, and sends once", async () => {
  await using remote = await TestBroker.start();
  let asked = 0;
  await using fixture = await Fixture.start((received) => {
    asked++;
    controller(remote)({
      ...received,
      respond: (response) => received.respond({ ...response, revision: 0 }),
    });
  });
  fixture.network.isDown = true;
  const sent = fixture.create("a");
  for (let i = 0; i < 5; i++) {
    fixture.broker.clock.advance(50);
    await turn();
  }
  fixture.network.isDown = false;
  assertEquals(errorsOf(await fixture.advanceUntil(sent)), [ErrorCode.NONE]);
  assertEquals(asked, 1);
});

Deno.test("ForwardingManager.forward() rejects with NOT_CONTROLLER if there is none for 2 seconds", async () => {
  await using fixture = await Fixture.start(() => {});
  await fixture.commit(NOBODY_IN_OFFICE);
  const startMs = fixture.broker.clock.monotonic();
  const error = await assertRejects(
    () => fixture.advanceUntil(fixture.create("a")),
    ApiError,
  );
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  const tookMs = fixture.broker.clock.monotonic() - startMs;
  assertEquals(tookMs >= 2000 && tookMs <= 2100, true, `${tookMs} ms`);
});

Deno.test("ForwardingManager.forward() rejects with REQUEST_TIMED_OUT if the response is lost, and does not send again", async () => {
  let asked = 0;
  await using fixture = await Fixture.start(({ cut }) => {
    asked++;
    cut();
  });
  const error = await assertRejects(
    () => fixture.advanceUntil(fixture.create("a")),
    ApiError,
  );
  assertEquals(error.code, ErrorCode.REQUEST_TIMED_OUT);
  assertEquals(asked, 1);
});

Deno.test("ForwardingManager.forward() asks the next controller if the first was replaced without a response", async (t) => {
  for (const isCut of [false, true]) {
    await t.step(isCut ? "its connection ended" : "it is silent", async () => {
      await using remote = await TestBroker.start();
      let asked = 0;
      await using fixture = await Fixture.start((received) => {
        if (asked++ > 0) {
          controller(remote)({
            ...received,
            respond: (response) => received.respond({ ...response, revision: 0 }),
          });
        } else if (isCut) received.cut();
      });
      const sent = fixture.create("a");
      while (asked === 0) await turn();
      await fixture.commit(OTHER_IN_OFFICE);
      assertEquals(errorsOf(await fixture.advanceUntil(sent)), [ErrorCode.NONE]);
      assertEquals(asked, 2);
    });
  }
});

Deno.test("ForwardingManager.forward() rejects with REQUEST_TIMED_OUT if a replaced controller may have served the request", async (t) => {
  for (const isCut of [false, true]) {
    await t.step(isCut ? "its connection ended" : "it is silent", async () => {
      let asked = 0;
      await using fixture = await Fixture.start(({ cut }) => {
        asked++;
        if (isCut) cut();
      });
      const sent = fixture.create("a");
      while (asked === 0) await turn();
      await fixture.commit(setText("configs/brokers", "{}"));
      await fixture.commit(OTHER_IN_OFFICE);
      const error = await assertRejects(() => fixture.advanceUntil(sent), ApiError);
      assertEquals([error.code, asked], [ErrorCode.REQUEST_TIMED_OUT, 1]);
    });
  }
});

Deno.test("ForwardingManager.forward() gives nothing if this broker becomes the controller", async () => {
  await using fixture = await Fixture.start(() => {});
  await fixture.commit(NOBODY_IN_OFFICE);
  const sent = fixture.create("a");
  await fixture.commit({ key: "controller", value: null });
  assertEquals(await fixture.advanceUntil(sent), undefined);
  assertEquals(fixture.broker.cluster.isController(), true);
});

Deno.test("ForwardingManager.close() ends what waits for a controller, and leaves no timer", async () => {
  await using fixture = await Fixture.start(() => {});
  await fixture.commit(NOBODY_IN_OFFICE);
  const before = fixture.broker.clock.timerCount;
  const sent = fixture.create("a");
  await turn();
  assertEquals(fixture.broker.clock.timerCount, before + 1);
  fixture.forwarding.close();
  const error = await assertRejects(() => sent, ApiError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  assertEquals(fixture.broker.clock.timerCount, before);
});

Deno.test("Envelope is refused by a broker that is not the controller, and for requests of others", async () => {
  await using fixture = await Fixture.start(() => {});
  const { broker } = fixture;
  const handler = envelopeHandler([createTopicsHandler]);
  const held = Promise.withResolvers<ReceivedEnvelope>();
  await using sender = await Fixture.start(held.resolve);
  const sent = sender.create("a");
  const { request, respond } = await held.promise;
  const refused = await broker.call(envelope, handler, 0, request);
  assertEquals(refused.errorCode, ErrorCode.NOT_CONTROLLER);
  assertEquals(broker.topics.get("a"), undefined);
  const unknown = await broker.call(envelope, envelopeHandler([]), 0, request);
  assertEquals(unknown.errorCode, ErrorCode.INVALID_REQUEST);
  respond(unknown);
  const error = await assertRejects(() => sent, ApiError);
  assertEquals(error.code, ErrorCode.INVALID_REQUEST);
});

Deno.test("ForwardingManager.forward() asks for the epoch of the controller that it knows", async () => {
  const epochs: number[] = [];
  await using fixture = await Fixture.start(({ request, respond }) => {
    epochs.push(request.controllerEpoch);
    respond({ errorCode: ErrorCode.INVALID_REQUEST });
  });
  await assertRejects(() => fixture.create("a"), ApiError);
  const inOffice = await fixture.commit(OTHER_IN_OFFICE);
  await assertRejects(() => fixture.create("a"), ApiError);
  assertEquals(epochs[1], inOffice);
  assert(epochs[0]! < inOffice);
});

Deno.test("envelopeHandler() refuses a request that was sent to the controller of another epoch", async () => {
  await using remote = await TestBroker.start();
  const handler = envelopeHandler([createTopicsHandler]);
  await using fixture = await Fixture.start(async ({ request, respond }) => {
    const answers = [];
    const epoch = remote.cluster.controllerEpoch;
    for (const controllerEpoch of [epoch + 1, epoch + 2, epoch]) {
      answers.push(await remote.call(envelope, handler, 0, { ...request, controllerEpoch }));
    }
    assertEquals(answers.map(({ errorCode }) => errorCode), [
      ErrorCode.NOT_CONTROLLER,
      ErrorCode.NOT_CONTROLLER,
      ErrorCode.NONE,
    ]);
    respond({ ...answers[2]!, revision: 0 });
  });
  assertEquals(errorsOf(await fixture.create("a")), [ErrorCode.NONE]);
});
