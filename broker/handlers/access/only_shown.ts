/**
 * Leaves out of responses what the client may not know of.
 *
 * @module
 */

import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import type { Api, ResponseTo } from "../../../protocol/schema/schema.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { type Access, type Handle, NO_RESPONSE, type RequestContext } from "../../handler.ts";
import { rule } from "./access.ts";
import { mayDo, mayDoOnCluster } from "./ask.ts";

type ItemOf<L> = NonNullable<L> extends readonly (infer I)[] ? I : never;

/** Options of {@linkcode onlyShown}. */
export interface ShownOptions {
  /** Whether everything is shown to those who may describe the cluster. Default: false. */
  readonly orCluster?: boolean;
}

/**
 * Leaves items out of a response unless the client may describe them.
 *
 * @param answers The field of the response that lists the items.
 */
export function onlyShown<A extends Api, R extends keyof ResponseTo<A>>(
  _api: A,
  answers: R,
  resourceType: number,
  nameOf: (item: ItemOf<ResponseTo<A>[R]>) => string,
  { orCluster = false }: ShownOptions = {},
): Access {
  const shown = rule(AclOperation.describe, resourceType, "shown");
  const whole = rule(AclOperation.describe, AclResourceType.cluster, "instead");

  async function filtered(response: Record<PropertyKey, unknown>, context: RequestContext) {
    const items = response[answers] as readonly ItemOf<ResponseTo<A>[R]>[] | null;
    if (items === null) return response;
    const kept: unknown[] = [];
    const slice = new TimeSlice();
    for (const item of items) {
      if (mayDo(context, AclOperation.describe, resourceType, nameOf(item))) kept.push(item);
      if (slice.isOver) await slice.pause();
    }
    return { ...response, [answers]: kept };
  }

  async function serve(request: unknown, context: RequestContext, handle: Handle<Api>) {
    const response = await handle(request as never, context);
    return response === NO_RESPONSE ? response : await filtered(response as never, context);
  }

  return {
    rules: orCluster ? [whole, shown] : [shown],
    guard: <B extends Api>(handle: Handle<B>): Handle<B> => (request, context) => {
      const { isOpen } = context.broker.authorizer;
      if (isOpen || (orCluster && mayDoOnCluster(context, AclOperation.describe))) {
        return handle(request, context);
      }
      return serve(request, context, handle as unknown as Handle<Api>) as never;
    },
  };
}
