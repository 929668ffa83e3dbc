import { assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { apiVersions } from "../../../protocol/messages/cluster/api_versions.ts";
import { consumerGroupDescribe } from "../../../protocol/messages/groups/consumer_group_describe.ts";
import { consumerGroupHeartbeat } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { updateFeatures } from "../../../protocol/messages/cluster/update_features.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { TestBroker } from "../../broker_testing.ts";
import { startGroupBroker } from "../../groups/broker_testing.ts";
import { apiVersionsHandler } from "./api_versions.ts";
import { consumerGroupDescribeHandler } from "../groups/consumer_group_describe.ts";
import { consumerGroupHeartbeatHandler } from "../groups/consumer_group_heartbeat.ts";
import { updateFeaturesHandler } from "./update_features.ts";

const UPGRADE = 1;
const SAFE_DOWNGRADE = 2;
const UNSAFE_DOWNGRADE = 3;
const METADATA_VERSION = { name: "metadata.version", min: 29, max: 29 };

type Request = RequestTo<typeof updateFeatures>;

function update(
  broker: TestBroker,
  apiVersion: number,
  feature: string,
  maxVersionLevel: number,
  upgradeType = UPGRADE,
  rest: Partial<Request> = {},
) {
  const update = apiVersion === 0
    ? { feature, maxVersionLevel, allowDowngrade: upgradeType !== UPGRADE }
    : { feature, maxVersionLevel, upgradeType };
  const request = { featureUpdates: [update], ...rest };
  return broker.call(updateFeatures, updateFeaturesHandler, apiVersion, request);
}

async function featuresOf(broker: TestBroker, apiVersion = 4) {
  const client = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
  const answer = await broker.call(
    apiVersions,
    apiVersionsHandler([]),
    apiVersion,
    apiVersion < 3 ? {} : client,
  );
  return {
    supported: answer.supportedFeatures
      .map(({ name, minVersion, maxVersion }) => ({ name, min: minVersion, max: maxVersion })),
    finalized: Object.fromEntries(
      answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    ),
    epoch: answer.finalizedFeaturesEpoch,
  };
}

Deno.test("ApiVersions lists features from version 3, ranges from 0 since version 4 (KAFKA-17011)", async () => {
  await using broker = await TestBroker.start();
  for (const version of [0, 1, 2]) {
    assertEquals(await featuresOf(broker, version), { supported: [], finalized: {}, epoch: -1 });
  }
  const finalized = { "group.version": 1, "metadata.version": 29, "transaction.version": 2 };
  assertEquals(await featuresOf(broker, 3), {
    supported: [METADATA_VERSION],
    finalized,
    epoch: 0,
  });
  for (const version of [4, 5]) {
    assertEquals(await featuresOf(broker, version), {
      supported: [
        { name: "group.version", min: 0, max: 1 },
        METADATA_VERSION,
        { name: "transaction.version", min: 0, max: 2 },
      ],
      finalized,
      epoch: 0,
    });
  }
});

Deno.test("UpdateFeatures lowers and raises a level, which survives a restart (KIP-584)", async (t) => {
  for (const version of [0, 1, 2]) {
    await t.step(`version ${version}`, async () => {
      const fs = new MemoryFileSystem({ now: () => 0 });
      let epoch = 0;
      {
        await using broker = await TestBroker.start({ fs });
        const lowered = await update(broker, version, "group.version", 0, SAFE_DOWNGRADE);
        assertEquals([lowered.errorCode, lowered.errorMessage], [ErrorCode.NONE, null]);
        const results = lowered.results.map(({ feature, errorCode }) => [feature, errorCode]);
        assertEquals(results, version < 2 ? [["group.version", ErrorCode.NONE]] : []);
      }
      await using broker = await TestBroker.start({ fs });
      const after = await featuresOf(broker);
      assertEquals(after.finalized, { "metadata.version": 29, "transaction.version": 2 });
      epoch = after.epoch;
      const raised = await update(broker, version, "group.version", 1);
      assertEquals(raised.errorCode, ErrorCode.NONE);
      const last = await featuresOf(broker);
      assertEquals(last.finalized["group.version"], 1);
      assertEquals([epoch > 0, last.epoch > epoch], [true, true]);
    });
  }
});

Deno.test("UpdateFeatures rejects invalid updates with a reason and applies none of the request", async (t) => {
  await using broker = await TestBroker.start();
  const cases: [string, number, number, string][] = [
    ["share.version", 1, UPGRADE, "does not support this feature"],
    ["transaction.version", 3, UPGRADE, "only supports versions 0-2"],
    ["transaction.version", 1, UPGRADE, "without setting the upgrade type"],
    ["unknown", 0, SAFE_DOWNGRADE, "Feature unknown not found"],
    ["", 1, UPGRADE, "does not support this feature"],
    ["group.version", 2, UPGRADE, "only supports versions 0-1"],
    ["group.version", -1, SAFE_DOWNGRADE, "cannot be less than 0"],
    ["group.version", 0, UPGRADE, "without setting the upgrade type"],
    ["group.version", 1, 9, "does not support the given upgrade type"],
    ["metadata.version", 30, UPGRADE, "only supports versions 29-29"],
    ["metadata.version", 7, UNSAFE_DOWNGRADE, "only supports versions 29-29"],
  ];
  for (const [feature, level, upgradeType, reason] of cases) {
    await t.step(`${feature} ${level}, upgrade type ${upgradeType}`, async () => {
      for (const version of [1, 2]) {
        const answer = await update(broker, version, feature, level, upgradeType);
        assertEquals(answer.errorCode, ErrorCode.INVALID_UPDATE_VERSION);
        assertStringIncludes(answer.errorMessage!, reason);
      }
    });
  }
  const both = await update(broker, 2, "group.version", 0, SAFE_DOWNGRADE, {
    featureUpdates: [
      { feature: "group.version", maxVersionLevel: 0, upgradeType: SAFE_DOWNGRADE },
      { feature: "unknown", maxVersionLevel: 1, upgradeType: UPGRADE },
    ],
  });
  assertEquals(both.errorCode, ErrorCode.INVALID_UPDATE_VERSION);
  const downgrade = ["group.version", 0, SAFE_DOWNGRADE, { validateOnly: true }] as const;
  assertEquals((await update(broker, 2, ...downgrade)).errorCode, ErrorCode.NONE);
  const { finalized, epoch } = await featuresOf(broker);
  assertEquals([finalized["group.version"], epoch], [1, 0]);
});

Deno.test("UpdateFeatures disables KIP-848 groups with group.version 0 and enables them with 1", async () => {
  await using started = await startGroupBroker();
  const { broker } = started;
  const codes = async () => {
    const beat = await broker.call(consumerGroupHeartbeat, consumerGroupHeartbeatHandler, 1, {
      groupId: "g",
      memberId: "m",
      memberEpoch: 5,
    });
    const described = await broker.call(consumerGroupDescribe, consumerGroupDescribeHandler, 1, {
      groupIds: ["g", ""],
    });
    return [beat.errorCode, ...described.groups.map(({ errorCode }) => errorCode)];
  };
  const before = await codes();
  await update(broker, 2, "group.version", 0, SAFE_DOWNGRADE);
  const { UNSUPPORTED_VERSION } = ErrorCode;
  assertEquals(await codes(), [UNSUPPORTED_VERSION, UNSUPPORTED_VERSION, UNSUPPORTED_VERSION]);
  await update(broker, 2, "group.version", 1);
  assertEquals(await codes(), before);
});
