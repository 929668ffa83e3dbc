/**
 * Brokers as processes that reach each other by TLS with certificates, and clients by TLS with passwords.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { Kcat } from "../support/clients/kcat.ts";
import { freePort } from "../support/free_port.ts";
import { outside, testWith } from "../support/outside.ts";
import { writeCertificate } from "../support/security/certificate_files.ts";
import { TestAuthority } from "../support/security/test_authority.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const BROKERS = 3;
const PASSWORD = "admin-secret";

testWith(
  "etcd",
  "A cluster with a listener of certificates for brokers and one of passwords for clients survives a kill",
  async (etcd) => {
    await using folder = await TemporaryFolder.create();
    const authority = TestAuthority.create();
    const caFile = folder.join("ca.pem");
    await Deno.writeTextFile(caFile, authority.cert);
    // One certificate to serve with and to connect with: its name is the user that brokers are.
    const issued = authority.issueServer({ subject: "O=Acme,CN=broker" });
    const { keystoreFile } = writeCertificate(folder.path, "broker", issued);
    const passwordFile = folder.join("password");
    await Deno.writeTextFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    const ports = Array.from({ length: 2 * BROKERS }, freePort);
    const external = (id: number) => `127.0.0.1:${ports[id - 1]}`;
    await using cluster = await BrokerCluster.start({
      etcd,
      members: 1,
      brokers: BROKERS,
      listen: (id) => `EXTERNAL://${external(id)},INTERNAL://127.0.0.1:${ports[BROKERS + id - 1]}`,
      flags: [
        ...["--listener-security-protocol-map", "EXTERNAL:SASL_SSL,INTERNAL:SSL"],
        ...["--inter-broker-listener-name", "INTERNAL"],
        ...["--listener-name-internal-ssl-client-auth", "required"],
        ...["--ssl-keystore-type", "PEM", "--ssl-keystore-location", keystoreFile],
        ...["--ssl-truststore-type", "PEM", "--ssl-truststore-location", caFile],
        ...["--ssl-principal-mapping-rules", "RULE:^CN=([^,]+),O=Acme$/$1/,DEFAULT"],
        ...["--sasl-enabled-mechanisms", "SCRAM-SHA-256"],
        ...["--super-users", "User:broker"],
        ...["--bootstrap-user", "admin", "--bootstrap-password-file", passwordFile],
        ...["--default-replication-factor", "3", "--min-insync-replicas", "2"],
      ],
    });
    const addresses = Array.from({ length: BROKERS }, (_, i) => external(i + 1));
    await using client = new Client({
      brokers: addresses,
      tls: { ca: authority.cert },
      sasl: { mechanism: "SCRAM-SHA-256", username: "admin", password: PASSWORD },
    });
    const admin = client.admin();
    await admin.createTopic({ name: "t", partitions: BROKERS });
    const { brokers } = await admin.describeCluster();
    assertEquals(brokers.map(({ host, port }) => `${host}:${port}`), addresses);
    const producer = client.producer();
    const sendAll = async (value: string) => {
      for (let partition = 0; partition < BROKERS; partition++) {
        await producer.send({ topic: "t", partition, value });
      }
    };
    await sendAll("before");
    await cluster.kill(2);
    await sendAll("while");
    await cluster.start(2);
    await sendAll("after");
    for (let partition = 0; partition < BROKERS; partition++) {
      const { messages } = await client.consumer().fetchFrom("t", partition, 0);
      assertEquals(messages.map((message) => message.text()), ["before", "while", "after"]);
    }
    const { log } = cluster.broker(1);
    assert(
      log.some((line) => / Listening address=\S+ .* listener=INTERNAL protocol=SSL$/.test(line)),
    );
    assertEquals(log.filter((line) => line.includes(PASSWORD)), []);

    const kcat = outside("kcat");
    if (kcat === undefined) return;
    const output = await new Kcat(kcat, addresses[0]!).run([
      ...["-L", "-J", "-X", "security.protocol=sasl_ssl", "-X", `ssl.ca.location=${caFile}`],
      ...["-X", "sasl.mechanism=SCRAM-SHA-256", "-X", "sasl.username=admin"],
      ...["-X", `sasl.password=${PASSWORD}`],
    ]);
    const listed = JSON.parse(new TextDecoder().decode(output)) as { brokers: { name: string }[] };
    assertEquals(listed.brokers.map(({ name }) => name).sort(), addresses.toSorted());
  },
);
