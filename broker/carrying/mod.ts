/**
 * Connections of clients that a broker carries to another broker of the cluster.
 *
 * HTTP acts for users, whom the other brokers of a closed cluster have to know. There is one connection to
 * each other broker, by the listener for brokers and with this broker's own login. It carries any number
 * of connections of users: each begins with its principal and address, and is served over there like any
 * other connection. So it has its own order, quotas and back-pressure, and a request that waits keeps no
 * other user waiting.
 *
 * - `carried_frame.ts`: how frames tell which connection they belong to
 * - `carriers.ts`: the end that opens connections
 * - `carrier.ts`: one connection between brokers at that end
 * - `serve_carried.ts`: the end that serves them
 *
 * @module
 */

export { type CarrierOptions, CarryingRefusedError } from "./carrier.ts";
export { Carriers } from "./carriers.ts";
export { serveCarried } from "./serve_carried.ts";
