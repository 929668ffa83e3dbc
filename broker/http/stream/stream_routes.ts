/**
 * The route of streams.
 *
 * @module
 */

import type { Call } from "../rest/call.ts";
import type { Route } from "../rest/route.ts";
import { isEndId } from "./positions.ts";
import { fullResponse, sseFormat, sseResponse } from "./sse.ts";
import { parseStreamQuery, STREAM_PARAMETERS, type StreamQuery } from "./stream_query.ts";
import type { StreamFormat } from "./stream_event.ts";
import { StreamSession } from "./stream_session.ts";
import { openWebSocket, refuseWebSocket, webSocketFormat } from "./websocket.ts";

/** The routes. */
export const STREAM_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/topics/:topic/stream",
    tag: "Streams",
    summary: "The records of a topic as they come, as Server-Sent Events or over WebSocket",
    query: STREAM_PARAMETERS,
    mediaType: "text/event-stream",
    answer: { type: "string" },
    isExtension: true,
    // It would read records that nobody gets.
    hasHead: false,
    handle(call) {
      const isUpgrade = call.request.headers.get("upgrade")?.toLowerCase() === "websocket";
      return isUpgrade ? webSocket(call) : serverSentEvents(call);
    },
  },
];

async function serverSentEvents(call: Call): Promise<Response> {
  const { context: { broker: { clock }, closing, streams: { limits } } } = call;
  const query = queryOf(call, call.url.searchParams);
  // 204 makes an EventSource stop.
  if (query.lastEventId !== undefined && isEndId(query.lastEventId)) {
    return new Response(null, { status: 204 });
  }
  const entered = limits.enter("sse", call.source.address);
  if (entered === undefined) return fullResponse();
  try {
    const session = await open(call, query, sseFormat(query.isBatched));
    return sseResponse(
      (signal) => session.events(signal),
      clock,
      closing,
      {
        onStalled: () => limits.counters.closed.stalled++,
        onEnd: () => entered[Symbol.dispose](),
      },
    );
  } catch (error) {
    entered[Symbol.dispose]();
    throw error;
  }
}

function webSocket(call: Call): Response {
  const { context, request } = call;
  const { limits } = context.streams;
  const entered = limits.enter("websocket", call.source.address);
  if (entered === undefined) return refuseWebSocket(request);
  return openWebSocket({
    request,
    context,
    allowsWrites: context.allowsWrites,
    async open(params) {
      const query = queryOf(call, params);
      const session = await open(call, query, webSocketFormat(query.isBatched));
      return (signal) => session.events(signal);
    },
    onStalled: () => limits.counters.closed.stalled++,
    onEnd: () => entered[Symbol.dispose](),
  });
}

function queryOf({ request, context: { broker } }: Call, params: URLSearchParams): StreamQuery {
  const lastEventId = request.headers.get("last-event-id") ?? undefined;
  return parseStreamQuery(params, lastEventId, broker.clock.now());
}

function open(call: Call, query: StreamQuery, format: StreamFormat): Promise<StreamSession> {
  const { context } = call;
  const { tails, limits } = context.streams;
  return StreamSession.open({ topic: call.param("topic"), query, context, tails, limits, format });
}
