import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Certificates, makeCertificates } from "../../../tests/support/certificates.ts";
import { EtcdCluster } from "../../../tests/support/etcd_cluster.ts";
import { outside, testWith } from "../../../tests/support/outside.ts";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { setText, textsOf } from "../metadata_store_contract_testing.ts";
import { takeEvents } from "../metadata_store_contract_testing.ts";
import { EtcdSilenceError } from "./etcd_error.ts";
import type { EtcdTls } from "./etcd_gateway.ts";
import { openStore } from "./testing.ts";

async function certificatesIn(folder: string): Promise<Certificates> {
  const openssl = outside("openssl");
  assert(openssl !== undefined, "openssl is installed");
  await Deno.mkdir(folder);
  return await makeCertificates(openssl, folder);
}

testWith(
  "etcd",
  "EtcdMetadataStore reaches etcd by TLS, and says why it cannot",
  async (path, t) => {
    await using folder = await TemporaryFolder.create();
    const certificates = await certificatesIn(folder.join("own"));
    const { client: tls } = certificates;
    await using cluster = await EtcdCluster.start({ path, certificates });

    await t.step("with certificates of its authority", async () => {
      await using store = await openStore(cluster, { tls });
      const session = await store.session(6000);
      const revision = await store.commit([{ ...setText("a", "1"), session }]);
      assertEquals(await session.confirm(), true);
      assertEquals((await takeEvents(store.watch(revision - 1, {}), 1))[0]!.revision, revision);
      assertEquals(await textsOf(store), { a: "1" });
    });

    const refusal = async (options: { tls?: EtcdTls; endpoints?: readonly string[] }) => {
      const { message } = await assertRejects(
        () => openStore(cluster, { ...options, patienceMs: 200 }),
        EtcdSilenceError,
      );
      return message;
    };

    await t.step("not without knowing the authority", async () => {
      assertStringIncludes(await refusal({}), "metadata.tls.ca.file");
    });

    await t.step("not with another authority", async () => {
      const { client } = await certificatesIn(folder.join("other"));
      assertStringIncludes(await refusal({ tls: client }), "metadata.tls.ca.file");
    });

    await t.step("not without a certificate of its own", async () => {
      const message = await refusal({ tls: { caCerts: tls.caCerts } });
      assertStringIncludes(message, "metadata.tls.cert.file");
    });

    await t.step("not by etcd://", async () => {
      const endpoints = cluster.endpoints.map((url) => url.replace("https:", "http:"));
      assertStringIncludes(await refusal({ tls, endpoints }), "etcds://");
    });
  },
);

testWith("etcd", "EtcdMetadataStore says that etcd does not speak TLS", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  const endpoints = cluster.endpoints.map((url) => url.replace("http:", "https:"));
  const { message } = await assertRejects(
    () => openStore(cluster, { endpoints, patienceMs: 200 }),
    EtcdSilenceError,
  );
  assertStringIncludes(message, "etcd:// instead of etcds://");
});
