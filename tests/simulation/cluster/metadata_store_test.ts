/** The store of the simulator keeps the contract of all stores. */

import { Random } from "../../../protocol/random_testing.ts";
import {
  METADATA_STORE_CONTRACT,
  type StoreOfTest,
} from "../../../broker/metadata/metadata_store_contract_testing.ts";
import { SimEtcd } from "./etcd.ts";
import { SimMetadataStore, type StoreWeather } from "./metadata_store.ts";
import { Process } from "./process.ts";
import { Timeline } from "./timeline.ts";

for (const { sentence, run } of METADATA_STORE_CONTRACT) {
  Deno.test(`SimMetadataStore${sentence}`, () => withStore(run));
}

/** Runs something with an empty store, while time passes. */
async function withStore(
  run: (opened: StoreOfTest) => Promise<void>,
  weather: Partial<StoreWeather> = {},
): Promise<void> {
  const timeline = new Timeline();
  const random = new Random(1);
  const etcd = new SimEtcd({ timeline, random: () => random });
  const process = new Process(timeline, { offsetMs: 0, rate: 1 }, 0);
  const store = new SimMetadataStore({
    etcd,
    timeline,
    process,
    weather: {
      isAway: false,
      lossRate: 0,
      lagMs: 0,
      watchLagMs: 0,
      echoRate: 0,
      badUntilMs: 0,
      ...weather,
    },
    random: () => random,
  });
  let hasEnded = false;
  const running = run({ store, compact: () => Promise.resolve(etcd.compact()) });
  running.then(() => hasEnded = true, () => hasEnded = true);
  while (!hasEnded) {
    timeline.next(timeline.nowMs + 10);
    for (let i = 0; i < 20; i++) await undefined;
  }
  await running;
}
