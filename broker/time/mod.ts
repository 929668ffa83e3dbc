/**
 * Time: a `Clock` that tests can control, and shared timers.
 *
 * `pause` waits until a signal is aborted, `Timeouts` holds many timeouts on one timer, `EarliestTimer` fires at the earliest of several
 * times, and `turnEnd` waits for work that arrived in the same turn of the event loop.
 *
 * @module
 */

export { type Clock, ManualClock, systemClock } from "./clock.ts";
