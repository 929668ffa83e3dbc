/**
 * Topics as streams for browsers and curl: Server-Sent Events, and the same over WebSocket.
 *
 * A `StreamSession` is one reader. It reads the past by itself (`StreamLimits` says how many do at once),
 * then joins the `Tail` of its partitions, which reads and formats each new record once for all its
 * readers (`Tails`). The id of an event is the position after it in every partition (`positions.ts`), so a
 * reader that comes back continues where it was. `sse.ts` and `websocket.ts` are the two forms.
 *
 * @module
 */

export { STREAM_ROUTES } from "./stream_routes.ts";
export { Streams } from "./streams.ts";
