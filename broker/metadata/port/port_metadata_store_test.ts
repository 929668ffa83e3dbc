import { assertEquals, assertRejects } from "@std/assert";
import type { LocalMetadataStore } from "../local_metadata_store.ts";
import { openLocalStore } from "../local_metadata_store_testing.ts";
import { MetadataStoreClosedError } from "../metadata_store.ts";
import { METADATA_STORE_CONTRACT, setText, textsOf } from "../metadata_store_contract_testing.ts";
import { SharedMetadataStore } from "../shared_metadata_store.ts";
import { MetadataStoreServer } from "./metadata_store_server.ts";
import { PortMetadataStore } from "./port_metadata_store.ts";

function openPort(
  store: LocalMetadataStore,
  resources: AsyncDisposableStack,
): { store: PortMetadataStore; server: MetadataStoreServer } {
  const { port1, port2 } = new MessageChannel();
  const server = resources.use(new MetadataStoreServer(new SharedMetadataStore(store), port1));
  const remote = new PortMetadataStore(port2);
  resources.defer(() => remote.close());
  return { store: remote, server };
}

for (const { sentence, run } of METADATA_STORE_CONTRACT) {
  Deno.test(`PortMetadataStore${sentence}`, async () => {
    await using resources = new AsyncDisposableStack();
    await run(openPort(await openLocalStore(resources), resources));
  });
}

Deno.test("MetadataStoreServer.close() ends the sessions of a thread that is gone, and no others", async () => {
  await using resources = new AsyncDisposableStack();
  const local = await openLocalStore(resources);
  const gone = openPort(local, resources);
  const other = openPort(local, resources);
  await gone.store.commit([{ ...setText("a", "1"), session: await gone.store.session(1000) }]);
  await other.store.commit([{ ...setText("b", "2"), session: await other.store.session(1000) }]);
  await gone.server.close();
  assertEquals(await textsOf(other.store), { b: "2" });
});

Deno.test("PortMetadataStore.close() rejects calls that wait, and those that come later", async () => {
  await using resources = new AsyncDisposableStack();
  const { store } = openPort(await openLocalStore(resources), resources);
  const waiting = store.read();
  const rejected = assertRejects(() => waiting, MetadataStoreClosedError);
  await store.close();
  await rejected;
  await assertRejects(() => store.read(), MetadataStoreClosedError);
});
