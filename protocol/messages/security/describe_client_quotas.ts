/**
 * DescribeClientQuotas: the quotas of clients and users that match a filter (KIP-546).
 *
 * Version 1 is flexible.
 *
 * @module
 */

import {
  api,
  array,
  bool,
  float64,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of DescribeClientQuotas in all versions. */
export const describeClientQuotas = api({
  key: 48,
  name: "DescribeClientQuotas",
  versions: "0-1",
  flexible: "1+",
  request: {
    components: array({
      entityType: string(),
      /** 0 exact name, 1 default name, 2 any name. */
      matchType: int8(),
      /** The name, for an exact match. */
      match: string({ nullable: "0+" }),
    }),
    /** Whether to exclude entities that have further entity types. */
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    entries: array({
      entity: array({
        entityType: string(),
        /** Null stands for the default. */
        entityName: string({ nullable: "0+" }),
      }),
      values: array({
        key: string(),
        value: float64(),
      }),
    }, { nullable: "0+" }),
  },
});

/** A decoded DescribeClientQuotas request. */
export type DescribeClientQuotasRequest = RequestOf<typeof describeClientQuotas>;
/** A DescribeClientQuotas response to encode. */
export type DescribeClientQuotasResponse = ResponseTo<typeof describeClientQuotas>;
