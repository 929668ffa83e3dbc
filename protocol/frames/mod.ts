/**
 * Frames, the units of a connection. `framing.ts` splits byte streams into frames and gathers frames
 * into writes, with memory of a `BufferPool`; `channel.ts` is one end of a connection, over a socket
 * or within one process; `socket_duplex.ts` has the streams of a socket of Node's API; `headers.ts` reads and writes the headers in front of messages.
 *
 * @module
 */

export * from "./channel.ts";
export * from "./framing.ts";
export * from "./headers.ts";
