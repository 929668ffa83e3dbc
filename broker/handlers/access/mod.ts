/**
 * What each API checks before it does something, declared beside its handler.
 *
 * `onCluster` and `ofRequest` refuse a whole request, `eachItem` refuses items of it, `onlyShown`
 * leaves out what the client may not know of. Several are joined with `all`. Where that does not fit,
 * `inHandler` declares what the handler checks itself, with the functions of `ask.ts`. Checks come before
 * validation, and before anything is looked up: whether a resource exists must not show to a client that may not
 * describe it.
 *
 * @module
 */

export { all, inHandler, ofRequest, onCluster, rule, unchecked } from "./access.ts";
export {
  type Asking,
  authorize,
  check,
  denialOf,
  isCountedAsBroker,
  mayActAsBroker,
  mayDo,
  mayDoOnCluster,
  mayDoSomewhere,
} from "./ask.ts";
export { deniedPartitions, eachItem } from "./each_item_access.ts";
export { onlyShown } from "./only_shown.ts";
