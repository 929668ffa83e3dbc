/**
 * AlterClientQuotas: sets and removes quotas of clients and users (KIP-546).
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
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of AlterClientQuotas in all versions. */
export const alterClientQuotas = api({
  key: 49,
  name: "AlterClientQuotas",
  versions: "0-1",
  flexible: "1+",
  request: {
    entries: array({
      entity: array({
        entityType: string("0+"),
        /** Null stands for the default. */
        entityName: string("0+", { nullable: "0+" }),
      }, "0+"),
      ops: array({
        key: string("0+"),
        value: float64("0+"),
        remove: bool("0+"),
      }, "0+"),
    }, "0+"),
    validateOnly: bool("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    entries: array({
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+" }),
      entity: array({
        entityType: string("0+"),
        entityName: string("0+", { nullable: "0+" }),
      }, "0+"),
    }, "0+"),
  },
});

/** A decoded AlterClientQuotas request. */
export type AlterClientQuotasRequest = RequestOf<typeof alterClientQuotas>;
/** An AlterClientQuotas response to encode. */
export type AlterClientQuotasResponse = ResponseTo<typeof alterClientQuotas>;
