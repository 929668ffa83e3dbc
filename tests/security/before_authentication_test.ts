/**
 * What a connection of a SASL listener answers in each state, frame by frame.
 *
 * `DQUEUE_TEST_KAFKA_SASL` is the address of a SASL_PLAINTEXT listener of Apache Kafka with PLAIN and
 * SCRAM-SHA-256 and the user alice with the password alice-secret: the same table is then run against
 * that, but for the rows that differ from it on purpose.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { heartbeat } from "../../protocol/messages/groups/heartbeat.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { formatPlain } from "../../protocol/sasl/mod.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import { frameOf, RawConnection, requestFrame } from "../support/protocol/raw_connection.ts";
import { MECHANISMS, PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";

/** Sends something on a connection, and checks what comes back. */
type Step = (connection: RawConnection) => Promise<void>;

interface Row {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Why Kafka answers otherwise. */
  readonly notInKafka?: string;
}

/** Sends a request and checks its answer. */
function ask<A extends Api>(
  api: A,
  version: number,
  request: RequestTo<A>,
  expected: Partial<ResponseOf<A>>,
): Step {
  return async (connection) => {
    const answer = await connection.request(api, version, request);
    const found = Object.fromEntries(
      Object.keys(expected).map((name) => [name, answer[name as keyof ResponseOf<A>]]),
    );
    assertEquals(found, expected as typeof found, `the answer of ${api.name}`);
  };
}

/** Sends bytes, after which the connection must end without an answer. */
const ends = (bytes: Uint8Array): Step => async (connection) => {
  await connection.sendBytes(bytes);
  await connection.ended();
};

/** The connection must end without another answer. */
const end: Step = (connection) => connection.ended();

/** Sends a token without a request around it, and checks the token that comes back. */
const raw = (token: Uint8Array, expected: Uint8Array): Step => async (connection) => {
  await connection.sendBytes(frameOf(token));
  assertEquals(await connection.receiveFrame(), expected);
};

/** Sends a request in a version that its declaration does not have. */
function inVersion(api: Api, version: number): Uint8Array<ArrayBuffer> {
  const frame = requestFrame(api, api.versions.min, sampleOf(api) as never);
  new DataView(frame.buffer).setInt16(6, version);
  return frame;
}

function sampleOf(api: Api): object {
  return api.key === saslHandshake.key ? { mechanism: "PLAIN" } : { authBytes: new Uint8Array(1) };
}

const plain = (user: string, password: string, authzid = "") =>
  formatPlain({ authzid, user, password });
const RIGHT = plain("alice", PASSWORDS.alice);
const WRONG = plain("alice", "wrong");
const NOTHING = new Uint8Array(0);
const CLIENT = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
const MECHANISM = { mechanism: "PLAIN" };

const versions = ask(apiVersions, 3, CLIENT, { errorCode: 0 });
const handshake = ask(saslHandshake, 1, MECHANISM, { errorCode: 0 });
const login = ask(saslAuthenticate, 2, { authBytes: RIGHT }, {
  errorCode: 0,
  errorMessage: "",
  authBytes: NOTHING,
  sessionLifetimeMs: 0,
});
const served = ask(metadata, 9, { topics: [] }, { topics: [] });

const fails = (authBytes: Uint8Array, errorMessage: string): Step[] => [
  ask(saslAuthenticate, 1, { authBytes }, { errorCode: 58, errorMessage, authBytes: NOTHING }),
  end,
];

/** Many requests in a single write. */
function inOneWrite(...frames: readonly Uint8Array[]): Step {
  return async (connection) => {
    const bytes = new Uint8Array(frames.reduce((size, { length }) => size + length, 0));
    let at = 0;
    for (const frame of frames) {
      bytes.set(frame, at);
      at += frame.length;
    }
    await connection.sendBytes(bytes);
    for (let i = 1; i <= frames.length; i++) {
      const frame = await connection.receiveFrame();
      assertEquals(new DataView(frame!.buffer).getInt32(0), i, "the answers are in order");
    }
  };
}

const WORDS = "Authentication failed: ";

const ROWS: readonly Row[] = [
  { name: "ApiVersions, handshake, token, request", steps: [versions, handshake, login, served] },
  { name: "no ApiVersions", steps: [handshake, login, served] },
  {
    name: "ApiVersions in an unknown version, answered in version 0, and once more",
    steps: [
      async (connection) => {
        for (let i = 0; i < 2; i++) {
          const frame = requestFrame(apiVersions, 3, CLIENT, 7);
          new DataView(frame.buffer).setInt16(6, 99);
          await connection.sendBytes(frame);
          const answer = (await connection.receiveFrame())!;
          const view = new DataView(answer.buffer, answer.byteOffset);
          assertEquals([view.getInt32(0), view.getInt16(4)], [7, 35]);
        }
      },
      versions,
      handshake,
      login,
    ],
  },
  {
    name: "ApiVersions with a bad name of the client, and then a good one",
    steps: [
      ask(apiVersions, 3, { ...CLIENT, clientSoftwareName: "b d" }, { errorCode: 42 }),
      versions,
      handshake,
      login,
    ],
  },
  {
    name: "a second ApiVersions",
    steps: [versions, ends(requestFrame(apiVersions, 3, CLIENT))],
  },
  { name: "Metadata first", steps: [ends(requestFrame(metadata, 9, { topics: [] }))] },
  {
    name: "Produce after ApiVersions",
    steps: [
      versions,
      ends(requestFrame(produce, 9, { acks: 1, timeoutMs: 1, topicData: [] })),
    ],
  },
  {
    name: "SaslAuthenticate without a handshake",
    steps: [versions, ends(requestFrame(saslAuthenticate, 1, { authBytes: RIGHT }))],
  },
  {
    name: "an unknown API",
    steps: [ends(frameOf(Uint8Array.of(0x7f, 0, 0, 0, 0, 0, 0, 1, 0, 0)))],
  },
  { name: "a header cut off", steps: [ends(frameOf(Uint8Array.of(0, 18, 0)))] },
  { name: "HTTP", steps: [ends(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))] },
  { name: "TLS", steps: [ends(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3))] },
  { name: "an empty frame", steps: [ends(frameOf(NOTHING))] },
  { name: "a negative size", steps: [ends(Uint8Array.of(0xff, 0xff, 0xff, 0xff))] },
  { name: "a frame of 524,289 bytes", steps: [ends(Uint8Array.of(0, 8, 0, 1))] },
  {
    name: "a token of 500,000 bytes",
    steps: [
      handshake,
      ask(saslAuthenticate, 1, { authBytes: new Uint8Array(500_000).fill(65) }, {
        errorCode: 58,
      }),
      end,
    ],
  },
  {
    name: "an unknown mechanism",
    steps: [
      ask(saslHandshake, 1, { mechanism: "GSSAPI" }, { errorCode: 33 }),
      end,
    ],
  },
  {
    name: "a mechanism in small letters",
    steps: [versions, ask(saslHandshake, 1, { mechanism: "plain" }, { errorCode: 33 }), end],
  },
  { name: "SaslHandshake in an unknown version", steps: [ends(inVersion(saslHandshake, 2))] },
  {
    name: "SaslAuthenticate in an unknown version",
    steps: [handshake, ends(inVersion(saslAuthenticate, 9))],
  },
  {
    name: "a wrong password",
    steps: [handshake, ...fails(WRONG, `${WORDS}Invalid username or password`)],
  },
  {
    name: "an unknown user",
    steps: [handshake, ...fails(plain("nobody", "x"), `${WORDS}Invalid username or password`)],
  },
  {
    name: "PLAIN without a user",
    steps: [handshake, ...fails(plain("", "x"), `${WORDS}username not specified`)],
  },
  {
    name: "PLAIN without a password",
    steps: [handshake, ...fails(plain("alice", ""), `${WORDS}password not specified`)],
  },
  {
    name: "PLAIN with two parts",
    steps: [
      handshake,
      ...fails(
        new TextEncoder().encode("alice\0alice-secret"),
        "Invalid SASL/PLAIN response: expected 3 tokens, got 2",
      ),
    ],
  },
  {
    name: "PLAIN in the name of another",
    steps: [
      handshake,
      ...fails(
        plain("alice", PASSWORDS.alice, "bob"),
        `${WORDS}Client requested an authorization id that is different from username`,
      ),
    ],
  },
  {
    name: "SCRAM with a malformed message",
    steps: [
      ask(saslHandshake, 1, { mechanism: "SCRAM-SHA-256" }, { errorCode: 0 }),
      ...fails(
        new TextEncoder().encode("hello"),
        `${WORDS.trim().slice(0, -1)} during authentication due to invalid credentials with SASL ` +
          "mechanism SCRAM-SHA-256",
      ),
    ],
  },
  {
    name: "ApiVersions instead of a token",
    steps: [handshake, ask(apiVersions, 0, {}, { errorCode: 34, apiKeys: [] }), end],
  },
  {
    name: "Metadata instead of a token",
    steps: [handshake, ask(metadata, 1, { topics: [] }, { topics: [] }), end],
  },
  {
    name: "Heartbeat instead of a token",
    steps: [
      handshake,
      ask(heartbeat, 0, { groupId: "g", generationId: 1, memberId: "m" }, { errorCode: 34 }),
      end,
    ],
  },
  {
    name: "a second handshake instead of a token",
    steps: [handshake, ask(saslHandshake, 1, MECHANISM, { errorCode: 34 }), end],
  },
  {
    name: "raw tokens after SaslHandshake v0",
    steps: [
      ask(saslHandshake, 0, MECHANISM, { errorCode: 0 }),
      raw(RIGHT, NOTHING),
      served,
    ],
  },
  {
    name: "a wrong raw token",
    steps: [ask(saslHandshake, 0, MECHANISM, { errorCode: 0 }), ends(frameOf(WRONG))],
  },
  {
    name: "handshake, token and requests in one write",
    steps: [
      inOneWrite(
        requestFrame(apiVersions, 3, CLIENT, 1),
        requestFrame(saslHandshake, 1, MECHANISM, 2),
        requestFrame(saslAuthenticate, 2, { authBytes: RIGHT }, 3),
        requestFrame(metadata, 9, { topics: [] }, 4),
        requestFrame(apiVersions, 3, CLIENT, 5),
      ),
      served,
    ],
  },
  {
    name: "SaslHandshake once authenticated",
    steps: [
      handshake,
      login,
      ask(saslHandshake, 1, MECHANISM, { errorCode: 34, mechanisms: [] }),
      served,
    ],
  },
  {
    name: "SaslAuthenticate once authenticated",
    steps: [
      handshake,
      login,
      ask(saslAuthenticate, 1, { authBytes: RIGHT }, {
        errorCode: 34,
        errorMessage: "SaslAuthenticate request received after successful authentication",
      }),
      served,
    ],
  },
  {
    name: "more frames than an authentication needs",
    notInKafka: "it counts no frames",
    steps: [
      async (connection) => {
        for (let i = 0; i < 8; i++) {
          const { errorCode } = await connection.request(apiVersions, 3, {
            ...CLIENT,
            clientSoftwareName: "b d",
          });
          assertEquals(errorCode, 42);
        }
        await connection.ended();
      },
    ],
  },
];

async function run(address: string, { steps }: Row): Promise<void> {
  using connection = await RawConnection.connect(address);
  for (const step of steps) await step(connection);
}

Deno.test("A SASL listener answers each frame as Kafka does, in each state", async (t) => {
  await using broker = await SaslBroker.start({
    config: { "connection.failed.authentication.delay.ms": 1 },
  });
  for (const row of ROWS) await t.step(row.name, () => run(broker.address, row));
  assertEquals(broker.lines.filter((line) => line.includes(" ERROR ")), []);
});

Deno.test("A SASL listener lists its mechanisms when it refuses one", async () => {
  await using broker = await SaslBroker.start();
  using connection = await RawConnection.connect(broker.address);
  const { mechanisms } = await connection.request(saslHandshake, 1, { mechanism: "X" });
  assertEquals(mechanisms.join(","), MECHANISMS);
});

Deno.test("A PLAINTEXT listener answers SASL with ILLEGAL_SASL_STATE, and continues", async () => {
  await using broker = await SaslBroker.start();
  await run(broker.plaintext, {
    name: "",
    steps: [
      versions,
      ask(saslHandshake, 1, MECHANISM, { errorCode: 34, mechanisms: [] }),
      ask(saslAuthenticate, 1, { authBytes: RIGHT }, { errorCode: 34 }),
      served,
    ],
  });
});

const kafka = Deno.env.get("DQUEUE_TEST_KAFKA_SASL");
if (kafka !== undefined) {
  Deno.test("Kafka answers each frame in each state as the table says", async (t) => {
    for (const row of ROWS) {
      if (row.notInKafka !== undefined) continue;
      await t.step(row.name, () => run(kafka, row));
    }
  });
}
