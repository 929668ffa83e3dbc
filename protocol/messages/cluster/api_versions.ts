/**
 * ApiVersions: the APIs and versions that the broker supports, and the features of its cluster.
 *
 * Version 3 is flexible and adds the client's software (KIP-511), 4 may list features that start at
 * version 0 (KAFKA-17011), 5 adds the cluster id and node id that the client expects (KIP-1242,
 * Kafka 4.4); its response is unchanged. A request with an unsupported version gets a response of
 * version 0 with UNSUPPORTED_VERSION and the version range of this API only, and the response
 * header never has a tag buffer.
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
} from "../../schema/schema.ts";

/** Request and response of ApiVersions in all versions. */
export const apiVersions = api({
  key: 18,
  name: "ApiVersions",
  versions: "0-5",
  flexible: "3+",
  request: {
    /** Letters, digits, dashes and dots, with a letter or digit at both ends. */
    clientSoftwareName: string("3+", { default: "", ignorable: true }),
    /** Same format as the name. */
    clientSoftwareVersion: string("3+", { default: "", ignorable: true }),
    /** The cluster the client expects, null if it expects none. */
    clusterId: string("5+", { nullable: "5+", default: null, ignorable: true }),
    /** The node id the client expects, −1 if it expects none. */
    nodeId: int32("5+", { default: -1, ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32("1+", { default: 0, ignorable: true }),
    /** Features that the broker supports; before version 4 without those whose minimum is 0. */
    supportedFeatures: array("3+", {
      name: string(),
      minVersion: int16(),
      maxVersion: int16(),
    }, { tag: 0, default: [], ignorable: true }),
    /** Counts the changes of `finalizedFeatures`; −1 if they are not known. */
    finalizedFeaturesEpoch: int64("3+", { tag: 1, default: -1, ignorable: true }),
    /** Features finalized by the cluster. */
    finalizedFeatures: array("3+", {
      name: string(),
      maxVersionLevel: int16(),
      minVersionLevel: int16(),
    }, { tag: 2, default: [], ignorable: true }),
    zkMigrationReady: bool("3+", { tag: 3, default: false, ignorable: true }),
  },
});

/** A decoded ApiVersions request. */
export type ApiVersionsRequest = RequestOf<typeof apiVersions>;
/** An ApiVersions response to encode. */
export type ApiVersionsResponse = ResponseTo<typeof apiVersions>;
