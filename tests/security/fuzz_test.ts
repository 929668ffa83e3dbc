/**
 * Fuzz tests of listeners of all kinds, in each state before authentication and after it.
 *
 * Invariants: the broker logs no error and keeps logging clients in, and when the clients have disconnected
 * nothing is left of them. `DQUEUE_TEST_FUZZ_FRAMES` sets the number of frames for each state.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { apiByKey } from "../../protocol/messages/mod.ts";
import { seededRandom } from "../../protocol/messages/sample_message_testing.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { plainClient } from "../../protocol/sasl/mod.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { attack, Attacker, FrameSource, servedApis } from "../support/protocol/fuzzing.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { type CertificateSet, writeCertificateSet } from "../support/security/certificate_files.ts";
import { login } from "../support/security/raw_login.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const FRAMES = Number(Deno.env.get("DQUEUE_TEST_FUZZ_FRAMES") ?? 40);

/** Brings a connection into a state. */
type Prepare = (connection: RawConnection) => Promise<unknown>;

const select = (version: number, mechanism: string): Prepare => (connection) =>
  connection.request(saslHandshake, version, { mechanism });

/** The states before authentication. */
const STATES: Readonly<Record<string, Prepare>> = {
  "at first": () => Promise.resolve(),
  "after ApiVersions": (connection) => connection.request(apiVersions, 0, {}),
  "before a token of PLAIN": select(1, "PLAIN"),
  "before a token of SCRAM": select(1, "SCRAM-SHA-256"),
  "before a proof of SCRAM": async (connection) => {
    await select(1, "SCRAM-SHA-512")(connection);
    const authBytes = new TextEncoder().encode("n,,n=alice,r=client");
    await connection.request(saslAuthenticate, 2, { authBytes });
  },
  "before a raw token": select(0, "PLAIN"),
};

/** Requests that a client may send before it has authenticated, in all versions. */
const SASL_APIS = [apiVersions, saslHandshake, saslAuthenticate].map(({ key }) => {
  const { versions: { min, max } } = apiByKey(key)!;
  return [apiByKey(key)!, Array.from({ length: max - min + 1 }, (_, i) => min + i)] as const;
});

async function start(): Promise<
  { broker: SaslBroker; certificates: CertificateSet } & AsyncDisposable
> {
  const folder = await TemporaryFolder.create();
  const certificates = writeCertificateSet(folder.path);
  const broker = await SaslBroker.start({
    certificates,
    config: { "connection.failed.authentication.delay.ms": 0, "auto.create.topics.enable": false },
  });
  return {
    broker,
    certificates,
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const logIn: Prepare = async (connection) => {
  const { errorCode } = await login(connection, plainClient("alice", PASSWORDS.alice));
  assertEquals(errorCode, 0);
};

/** Checks that nothing is left of an attack, and that clients can log in. */
async function isWell(
  broker: SaslBroker,
  attacker: Attacker,
  attack: string,
): Promise<void> {
  attacker.close();
  using connection = await RawConnection.connect(broker.address);
  await logIn(connection);
  while (broker.broker.connectionCount > 1) {
    await connection.request(metadata, 12, { topics: [] });
  }
  assertEquals(broker.lines.filter((line) => line.includes(" ERROR ")), [], attack);
}

Deno.test(`Broker survives ${FRAMES} random frames in each state before authentication`, async (t) => {
  await eachSeed(t, 1, async (seed) => {
    await using started = await start();
    const { broker, certificates: { authority } } = started;
    const kinds = {
      SASL_PLAINTEXT: () => RawConnection.connect(broker.address),
      SASL_SSL: () => RawConnection.connectTls(broker.addressOf("SASL_SSL"), authority.cert),
    };
    const source = new FrameSource(seededRandom(seed), SASL_APIS);
    for (const [kind, connect] of Object.entries(kinds)) {
      for (const [state, prepare] of Object.entries(STATES)) {
        const attacker = new Attacker(async () => {
          const connection = await connect();
          await prepare(connection);
          return connection;
        });
        await attack(attacker, source, FRAMES);
        await isWell(broker, attacker, `${kind}, ${state}`);
      }
    }
  });
});

Deno.test(`Broker survives ${FRAMES} random frames after authentication, and instead of TLS`, async (t) => {
  await eachSeed(t, 1, async (seed) => {
    await using started = await start();
    const { broker, certificates: { authority } } = started;
    const { cert } = authority;
    const kinds: Record<string, () => Promise<RawConnection>> = {
      "SASL_PLAINTEXT": () => RawConnection.connect(broker.address),
      "SASL_SSL": () => RawConnection.connectTls(broker.addressOf("SASL_SSL"), cert),
      "SSL": () => RawConnection.connectTls(broker.addressOf("SSL"), cert),
      "SSL instead of TLS": () => RawConnection.connect(broker.addressOf("SSL")),
      "SASL_SSL instead of TLS": () => RawConnection.connect(broker.addressOf("SASL_SSL")),
    };
    using bystander = await RawConnection.connect(broker.plaintext);
    const source = new FrameSource(seededRandom(seed), await servedApis(bystander));
    bystander.close();
    for (const [kind, connect] of Object.entries(kinds)) {
      const attacker = new Attacker(async () => {
        const connection = await connect();
        if (kind === "SASL_PLAINTEXT" || kind === "SASL_SSL") await logIn(connection);
        return connection;
      });
      await attack(attacker, source, FRAMES);
      await isWell(broker, attacker, kind);
    }
  });
});
