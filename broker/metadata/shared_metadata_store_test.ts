import { assertEquals, assertRejects } from "@std/assert";
import { openLocalStore } from "./local_metadata_store_testing.ts";
import { METADATA_STORE_CONTRACT, setText, textsOf } from "./metadata_store_contract_testing.ts";
import { MetadataStoreClosedError } from "./metadata_store.ts";
import { SharedMetadataStore } from "./shared_metadata_store.ts";

for (const { sentence, run } of METADATA_STORE_CONTRACT) {
  Deno.test(`SharedMetadataStore${sentence}`, async () => {
    await using resources = new AsyncDisposableStack();
    const store = new SharedMetadataStore(await openLocalStore(resources));
    resources.defer(() => store.close());
    await run({ store });
  });
}

Deno.test("SharedMetadataStore.close() ends only its own sessions and watches", async () => {
  await using resources = new AsyncDisposableStack();
  const shared = await openLocalStore(resources);
  const first = new SharedMetadataStore(shared);
  const second = new SharedMetadataStore(shared);
  const ofFirst = await first.session(1000);
  const ofSecond = await second.session(1000);
  await first.commit([{ ...setText("a", "1"), session: ofFirst }]);
  await second.commit([{ ...setText("b", "2"), session: ofSecond }]);
  const watched = Array.fromAsync(first.watch(0, {}));
  await first.close();
  await first.close();
  await ofFirst.lost;
  await watched;
  assertEquals(await textsOf(second), { b: "2" });
  assertEquals(ofSecond.isCertain, true);
  await assertRejects(() => first.commit([setText("c", "3")]), MetadataStoreClosedError);
  await second.close();
  assertEquals(await textsOf(shared), {});
});
