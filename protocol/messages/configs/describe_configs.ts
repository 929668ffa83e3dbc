/**
 * DescribeConfigs: the settings of topics, brokers and groups, and where each value comes from.
 *
 * Version 1 adds sources and synonyms (KIP-226), 3 types and documentation (KIP-569), 4 is
 * flexible. Kafka 4 starts at version 1.
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Types of resources that have settings. */
export const ConfigResourceType = {
  unknown: 0,
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

/** Sources of the value of a setting. */
export const ConfigSource = {
  unknown: 0,
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  dynamicBrokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const;

/** The type of the value of a setting. */
export const ConfigType = {
  unknown: 0,
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
} as const;

/** Request and response of DescribeConfigs in all versions. */
export const describeConfigs = api({
  key: 32,
  name: "DescribeConfigs",
  versions: "1-4",
  flexible: "4+",
  request: {
    resources: array({
      /** One of `ConfigResourceType`. */
      resourceType: int8(),
      resourceName: string(),
      /** The requested settings; null or empty for all. */
      configurationKeys: array(string(), { nullable: "0+", default: null }),
    }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool("3+", { default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        /** Null where the value is sensitive. */
        value: string({ nullable: "0+" }),
        /** Whether a restart is required to change the setting. */
        readOnly: bool(),
        /** One of `ConfigSource`. */
        configSource: int8({ default: -1, ignorable: true }),
        isSensitive: bool(),
        /** All values of the setting, in order of precedence. */
        synonyms: array({
          name: string(),
          value: string({ nullable: "0+" }),
          source: int8(),
        }, { default: [], ignorable: true }),
        /** One of `ConfigType`. */
        configType: int8("3+", { default: 0, ignorable: true }),
        /** Null if not requested. */
        documentation: string("3+", { nullable: "0+", default: null, ignorable: true }),
      }),
    }),
  },
});

/** A decoded DescribeConfigs request. */
export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>;
/** A DescribeConfigs response to encode. */
export type DescribeConfigsResponse = ResponseTo<typeof describeConfigs>;
