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
        entityType: string(),
        /** Null stands for the default. */
        entityName: string({ nullable: "0+" }),
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: bool(),
      }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    entries: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      entity: array({
        entityType: string(),
        entityName: string({ nullable: "0+" }),
      }),
    }),
  },
});

/** A decoded AlterClientQuotas request. */
export type AlterClientQuotasRequest = RequestOf<typeof alterClientQuotas>;
/** An AlterClientQuotas response to encode. */
export type AlterClientQuotasResponse = ResponseTo<typeof alterClientQuotas>;
