/**
 * ApiVersions: which APIs and versions the broker speaks, and the features of its cluster.
 *
 * Version 3 is flexible and names the client's software (KIP-511), 4 may list features that start at
 * version 0 (KAFKA-17011), 5 says which broker the client takes this one for (KIP-1242, Kafka 4.4); the
 * response is the same in both. A request of a newer version is answered in version 0 with
 * UNSUPPORTED_VERSION and the range for this API alone, and the response header never has a tag buffer.
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
} from "../schema.ts";

/** Request and response of ApiVersions in all versions. */
export const apiVersions = api({
  key: 18,
  name: "ApiVersions",
  versions: "0-5",
  flexible: "3+",
  request: {
    /** Letters, digits, dashes and dots, with a letter or digit at both ends. */
    clientSoftwareName: string("3+", { default: "", ignorable: true }),
    /** As the name. */
    clientSoftwareVersion: string("3+", { default: "", ignorable: true }),
    /** The cluster the client expects, null if it expects none. */
    clusterId: string("5+", { nullable: "5+", default: null, ignorable: true }),
    /** The node id the client expects, −1 if it expects none. */
    nodeId: int32("5+", { default: -1, ignorable: true }),
  },
  response: {
    errorCode: int16("0+"),
    apiKeys: array({
      apiKey: int16("0+"),
      minVersion: int16("0+"),
      maxVersion: int16("0+"),
    }, "0+"),
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    /** Features the broker can run; before version 4 none whose minimum is 0. */
    supportedFeatures: array(
      {
        name: string("3+"),
        minVersion: int16("3+"),
        maxVersion: int16("3+"),
      },
      "3+",
      { tag: 0, default: [], ignorable: true },
    ),
    /** Counts the changes of `finalizedFeatures`, which mean nothing while it is −1. */
    finalizedFeaturesEpoch: int64("3+", { tag: 1, default: -1, ignorable: true }),
    /** Features the cluster has agreed on. */
    finalizedFeatures: array(
      {
        name: string("3+"),
        maxVersionLevel: int16("3+"),
        minVersionLevel: int16("3+"),
      },
      "3+",
      { tag: 2, default: [], ignorable: true },
    ),
    zkMigrationReady: bool("3+", { tag: 3, default: false, ignorable: true }),
  },
});

/** An ApiVersions request as a handler gets it. */
export type ApiVersionsRequest = RequestOf<typeof apiVersions>;
/** An ApiVersions response as a handler gives it. */
export type ApiVersionsResponse = ResponseTo<typeof apiVersions>;
