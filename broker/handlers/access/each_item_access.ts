/**
 * Checks of the items of a request: those that are denied are answered, the others are handled.
 *
 * @module
 */

import type { Api, RequestOf, ResponseTo } from "../../../protocol/schema/schema.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { type Access, type Handle, NO_RESPONSE, type RequestContext } from "../../handler.ts";
import { AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { rule } from "./access.ts";
import { authorize, denialOf, mayDoOnCluster } from "./ask.ts";

type ItemOf<L> = NonNullable<L> extends readonly (infer I)[] ? I : never;
type Lists<T> = {
  [K in keyof T]-?: NonNullable<T[K]> extends readonly unknown[] ? K : never;
}[keyof T];

/** The types of resources that items are about, where they differ. */
export interface ItemTypes<Item> {
  readonly types: readonly number[];
  /** The type of an item; `undefined` if it is invalid, and nothing is checked. */
  typeOf(item: Item): number | undefined;
}

/** How the items of a request are checked. */
export interface ItemAccess<Item, Answer> {
  /** One of `AclOperation`. */
  readonly operation: number;
  /** One of `AclResourceType`, or several. */
  readonly resourceType: number | ItemTypes<Item>;
  /** An operation on the cluster that is sufficient for all items, without another check. */
  readonly orOnCluster?: number;
  /** The name of an item's resource; `undefined` if none is known, and nothing is checked. */
  nameOf(item: Item, context: RequestContext): string | undefined;
  /** The answer to a denied item. May take long for an item that has many of its own. */
  denied(item: Item, errorCode: number): Answer | Promise<Answer>;
}

/** The answers to the partitions of a denied topic. */
export async function deniedPartitions(
  partitions: readonly { readonly partitionIndex: number }[],
  errorCode: number,
): Promise<{ partitionIndex: number; errorCode: number }[]> {
  return await mapEach(partitions, ({ partitionIndex }) => ({ partitionIndex, errorCode }));
}

/**
 * Refuses items of a request. The answers to them come after the others.
 *
 * @param list The field of the request that lists the items. A list that is null is not checked.
 * @param answers The field of the response that lists the answers.
 */
export function eachItem<
  A extends Api,
  L extends Lists<RequestOf<A>>,
  R extends Lists<ResponseTo<A>>,
>(
  _api: A,
  list: L,
  answers: R,
  { operation, resourceType, orOnCluster, nameOf, denied }: ItemAccess<
    ItemOf<RequestOf<A>[L]>,
    ItemOf<ResponseTo<A>[R]>
  >,
): Access {
  type Item = ItemOf<RequestOf<A>[L]>;

  const { types, typeOf } = typeof resourceType === "number"
    ? { types: [resourceType], typeOf: () => resourceType }
    : resourceType;

  /** The error of a denied item. */
  const denialOfItem = (item: Item, context: RequestContext): number | undefined => {
    const type = typeOf(item);
    const name = nameOf(item, context);
    if (type === undefined || name === undefined) return undefined;
    return authorize(context, operation, type, name) ? undefined : denialOf(type);
  };

  async function serve(
    items: readonly Item[],
    request: object,
    context: RequestContext,
    handle: Handle<Api>,
  ) {
    const allowed: Item[] = [];
    const refused: [item: Item, errorCode: number][] = [];
    const slice = new TimeSlice();
    for (const item of items) {
      const errorCode = denialOfItem(item, context);
      if (errorCode === undefined) allowed.push(item);
      else refused.push([item, errorCode]);
      if (slice.isOver) await slice.pause();
    }
    if (refused.length === 0) return await handle(request as never, context);
    const response = await handle({ ...request, [list]: allowed } as never, context);
    if (response === NO_RESPONSE) return response;
    const refusals = await awaitEach(refused, ([item, errorCode]) => denied(item, errorCode));
    const served = (response as Record<PropertyKey, unknown>)[answers] as readonly unknown[];
    return { ...response, [answers]: served.concat(refusals) } as ResponseTo<Api>;
  }

  return {
    rules: [
      ...(orOnCluster === undefined ? [] : [rule(orOnCluster, AclResourceType.cluster, "instead")]),
      ...types.map((type) => rule(operation, type, "item")),
    ],
    guard: <B extends Api>(handle: Handle<B>): Handle<B> => (request, context) => {
      const items = (request as RequestOf<A>)[list] as readonly Item[] | null;
      if (context.broker.authorizer.isOpen || items === null) return handle(request, context);
      if (orOnCluster !== undefined && mayDoOnCluster(context, orOnCluster)) {
        return handle(request, context);
      }
      context.keepFrame();
      return serve(items, request, context, handle as unknown as Handle<Api>) as never;
    },
  };
}
