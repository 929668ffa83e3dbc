import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../../protocol/frames/headers.ts";
import { envelope } from "../../../protocol/messages/cluster/envelope.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import type { Api, RequestTo } from "../../../protocol/schema/schema.ts";
import { ApiError } from "../../api_error.ts";
import { TestBroker } from "../../broker_testing.ts";
import { type Asked, TestAuthorizer } from "../../security/authorizer_testing.ts";
import { encodeAddress, encodePrincipal } from "../../security/forwarded_client.ts";
import type { Session } from "../../security/session.ts";
import { createTopicsHandler } from "../topics/create_topics.ts";
import { envelopeHandler } from "./envelope.ts";

const HANDLER = envelopeHandler([createTopicsHandler]);
const VERSION = 7;
const TOPIC: RequestTo<typeof createTopics> = {
  topics: [{
    name: "orders",
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }],
  timeoutMs: 1000,
};

/** Another broker, by the listener that brokers use. */
const BROKER: Session = {
  principal: { type: "User", name: "broker" },
  host: "10.0.0.2",
  listener: { name: "PLAINTEXT", protocol: "PLAINTEXT" },
  isLocal: false,
};

function encode<A extends Api>(api: A, apiVersion: number, request: RequestTo<A>): Uint8Array {
  const writer = new Writer();
  writeRequestHeader(writer, api, {
    apiKey: api.key,
    apiVersion,
    correlationId: 1,
    clientId: "client",
  });
  codec(api.request, apiVersion).encode(writer, request as never);
  return writer.takeBytes();
}

/** A broker, and the sessions that it asked its authorizer about. */
class Fixture implements AsyncDisposable {
  readonly sessions: Session[] = [];

  private constructor(readonly broker: TestBroker, readonly authorizer: TestAuthorizer) {
    const { mayDo } = authorizer;
    authorizer.mayDo = (session, ...asked) => {
      this.sessions.push(session);
      return mayDo.call(authorizer, session, ...asked);
    };
    broker.session = BROKER;
  }

  static async start(allows: (asked: Asked) => boolean): Promise<Fixture> {
    const authorizer = new TestAuthorizer(allows);
    return new Fixture(await TestBroker.start({ authorizer: () => authorizer }), authorizer);
  }

  async send(
    requestData: Uint8Array,
    requestPrincipal: Uint8Array | null = encodePrincipal({ type: "User", name: "alice" }),
    clientHostAddress: Uint8Array = encodeAddress("10.1.2.3"),
  ): Promise<number[]> {
    const { errorCode, responseData } = await this.broker.call(envelope, HANDLER, 0, {
      requestData,
      requestPrincipal,
      clientHostAddress,
    });
    if (responseData === null) return [errorCode];
    const reader = new Reader(responseData);
    reader.int32();
    readResponseHeaderTags(reader, createTopics, VERSION);
    const { topics } = codec(createTopics.response, VERSION).decode(reader);
    return [errorCode, ...topics.map((topic) => topic.errorCode)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

const isBroker = ({ operation, principal }: Asked) =>
  operation === AclOperation.clusterAction && principal === "User:broker";

Deno.test("Envelope is taken only from brokers, on their listener (KIP-590)", async () => {
  await using fixture = await Fixture.start(({ operation }) => operation === AclOperation.create);
  const request = encode(createTopics, VERSION, TOPIC);
  const denied = await assertRejects(() => fixture.send(request), ApiError);
  assertEquals(denied.code, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  fixture.authorizer.allows = () => true;
  fixture.broker.session = { ...BROKER, listener: { name: "CLIENTS", protocol: "SASL_SSL" } };
  const elsewhere = await assertRejects(() => fixture.send(request), ApiError);
  assertEquals(elsewhere.code, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  assertEquals(fixture.broker.topics.get("orders"), undefined);
});

Deno.test("Envelope is authorized as the client it is forwarded for, not as the broker", async () => {
  await using fixture = await Fixture.start(isBroker);
  const request = encode(createTopics, VERSION, TOPIC);
  const { NONE, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
  assertEquals(await fixture.send(request), [NONE, TOPIC_AUTHORIZATION_FAILED]);
  const { principal, host, isLocal } = fixture.sessions.at(-1)!;
  assertEquals([principal, host, isLocal], [{ type: "User", name: "alice" }, "10.1.2.3", false]);
  assertEquals(fixture.authorizer.denials.at(-1), {
    operation: AclOperation.create,
    resourceType: AclResourceType.topic,
    name: "orders",
    principal: "User:alice",
  });
  // What the broker itself may do does not count.
  fixture.authorizer.allows = ({ principal }) => principal === "User:broker";
  assertEquals(await fixture.send(request), [NONE, TOPIC_AUTHORIZATION_FAILED]);
  fixture.authorizer.allows = (asked) =>
    isBroker(asked) ||
    (asked.principal === "User:alice" && asked.operation === AclOperation.create);
  assertEquals(await fixture.send(request), [NONE, NONE]);
});

Deno.test("Envelope without a principal is the broker's own request", async () => {
  await using fixture = await Fixture.start(({ principal }) => principal === "User:broker");
  const request = encode(createTopics, VERSION, TOPIC);
  assertEquals(await fixture.send(request, null), [ErrorCode.NONE, ErrorCode.NONE]);
});

Deno.test("Envelope is refused if its principal, its address or its request cannot be read", async () => {
  await using fixture = await Fixture.start(() => true);
  const request = encode(createTopics, VERSION, TOPIC);
  const send = async (...parts: Parameters<Fixture["send"]>) => (await fixture.send(...parts))[0];
  const { INVALID_REQUEST, PRINCIPAL_DESERIALIZATION_FAILURE, UNSUPPORTED_VERSION } = ErrorCode;
  assertEquals(await send(request, new Uint8Array(3)), PRINCIPAL_DESERIALIZATION_FAILURE);
  assertEquals(await send(request, new Uint8Array(0)), PRINCIPAL_DESERIALIZATION_FAILURE);
  assertEquals(await send(request, undefined, new Uint8Array(5)), INVALID_REQUEST);
  assertEquals(await send(new Uint8Array(3)), UNSUPPORTED_VERSION);
  assertEquals(await send(request.subarray(0, 20)), INVALID_REQUEST);
  assertEquals(
    await send(encode(produce, 11, { acks: 0, timeoutMs: 1, topicData: [] })),
    INVALID_REQUEST,
  );
  const within = encode(envelope, 0, {
    requestData: request,
    requestPrincipal: null,
    clientHostAddress: new Uint8Array(0),
  });
  assertEquals(await send(within), INVALID_REQUEST);
  assertEquals(fixture.broker.topics.get("orders"), undefined);
});
