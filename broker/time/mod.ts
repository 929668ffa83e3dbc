/**
 * Time as the broker sees it: a `Clock` that tests can set, and timers that many share.
 *
 * `Timeouts` are many of about the same length, `EarliestTimer` is one for whatever is due first.
 * `turnEnd` waits for what came in together.
 *
 * @module
 */

export { type Clock, ManualClock, systemClock } from "./clock.ts";
