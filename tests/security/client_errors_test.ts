/**
 * What the SDK does with a broker that it cannot use as it was told: whatever is asked for first, the error
 * names the case, nothing is tried again, and closing does not wait.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  AuthenticationError,
  CertificateError,
  Client,
  type ClientOptions,
  ConnectionError,
  DqueueError,
} from "../../client/mod.ts";
import { writeCertificateSet } from "../support/security/certificate_files.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

/** All ways in which a program may meet a broker first. */
const USES: readonly [name: string, use: (client: Client) => Promise<unknown>][] = [
  ["Admin", (client) => client.admin().listTopics()],
  ["Producer", async (client) => {
    await using producer = client.producer();
    await producer.send({ topic: "t", value: "x" });
  }],
  ["Consumer", async (client) => {
    await using consumer = client.consumer({ autoOffsetReset: "earliest" });
    await consumer.subscribe("t");
    for await (const _ of consumer) return;
  }],
  ["GroupConsumer", async (client) => {
    await using consumer = client.groupConsumer({ groupId: "g", topics: "t" });
    for await (const _ of consumer) return;
  }],
  ["Transaction", async (client) => {
    await using producer = client.producer({ transactionalId: "x" });
    await using tx = await producer.begin();
    await tx.commit();
  }],
];

const ALICE = { mechanism: "SCRAM-SHA-256", username: "alice", password: PASSWORDS.alice } as const;

Deno.test("Client says at once why it cannot use a broker, whatever it is used for", async (t) => {
  await using folder = await TemporaryFolder.create();
  const certificates = writeCertificateSet(folder.path);
  await using broker = await SaslBroker.start({
    certificates,
    config: { "connection.failed.authentication.delay.ms": 0 },
  });
  const ca = certificates.authority.cert;
  const at = (listener: Parameters<typeof broker.addressOf>[0]) => broker.addressOf(listener);
  const cases: readonly [
    name: string,
    options: ClientOptions,
    type: { readonly name: string },
    message: string,
  ][] = [
    [
      "a wrong password",
      { brokers: at("SASL_SSL"), tls: { ca }, sasl: { ...ALICE, password: "wrong" } },
      AuthenticationError,
      "invalid credentials",
    ],
    [
      "SASL at a port without",
      { brokers: at("SSL"), tls: { ca }, sasl: ALICE },
      AuthenticationError,
      "does not authenticate clients with SASL",
    ],
    [
      "no SASL at a port that demands it",
      { brokers: at("SASL_PLAINTEXT") },
      AuthenticationError,
      "that port demands SASL",
    ],
    ["no TLS", { brokers: at("SASL_SSL"), sasl: ALICE }, ConnectionError, "that port speaks TLS"],
    [
      "TLS at a port without",
      { brokers: at("SASL_PLAINTEXT"), tls: { ca }, sasl: ALICE },
      ConnectionError,
      "speaks plaintext, not TLS",
    ],
    [
      "an unknown authority",
      { brokers: at("SASL_SSL"), tls: true, sasl: ALICE },
      CertificateError,
      "no authority that the client trusts",
    ],
    [
      "another name",
      { brokers: at("SASL_SSL"), tls: { ca, serverName: "elsewhere" }, sasl: ALICE },
      CertificateError,
      "is for another name",
    ],
  ];
  for (const [name, options, type, message] of cases) {
    for (const [user, use] of USES) {
      await t.step(`${name}: ${user}`, async () => {
        let failures = 0;
        const client = new Client({
          ...options,
          onStatus: ({ error }) => failures += error ? 1 : 0,
        });
        const error = await within(use(client).then(() => undefined, (error) => error), name);
        await within(client.close(), "close");
        assert(error instanceof DqueueError, `${error}`);
        assertStringIncludes(error.message, message);
        assertEquals([error.name, error.retriable], [type.name, false]);
        assert(failures <= 2, `${failures} attempts`);
      });
    }
  }
});
