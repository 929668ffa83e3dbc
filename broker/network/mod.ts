/**
 * Connections: frames in, answers out, and fairness between clients.
 *
 * The `Server` accepts, within the descriptors that there are (`refusals.ts` says once what is refused).
 * A `Connection` reads frames, waits for its turn (`Turns`), decodes a request, has its handler answer,
 * and sends answers in the order of the requests; each request is a `PendingRequest` until then. What
 * large frames may take is in `frame_memory.ts`. A failure becomes an `error_answer.ts` in the form of its
 * API. A client that leaves half a request or its answers lying is a `Stall`; one that speaks HTTP or TLS is
 * told so (`foreign_protocol.ts`).
 *
 * @module
 */

export { Server } from "./server.ts";
