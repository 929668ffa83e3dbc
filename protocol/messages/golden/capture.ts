/**
 * Captures golden frames: runs a client against a stub broker and stores the requests it sends.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-run --allow-write=. capture.ts \
 *   kcat.json kcat "1.7.1, librdkafka 2.0.2" -- kcat -b {broker} -L
 * ```
 *
 * `{broker}` in the client's command line is replaced by the address of the stub, and the client's
 * standard input is a line with a key and a value. The file receives the largest request of each
 * API and version. A client that does not exit is killed after half a minute.
 *
 * @module
 */

import { codec } from "../../schema/codec.ts";
import { FrameReader } from "../../frames/framing.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  writeResponseHeader,
} from "../../frames/headers.ts";
import { Reader } from "../../primitives/reader.ts";
import { Writer } from "../../primitives/writer.ts";
import { apiByKey, produce } from "../mod.ts";
import type { GoldenFrame } from "./golden_frame.ts";
import { STUB_ANSWERS } from "./stub_answers.ts";

const MAX_FRAME_SIZE = 1024 * 1024;
const MAX_CLIENT_MS = 30_000;

/** A broker that responds to every request with success and records the requests. */
export class StubBroker {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #seen: (frame: Uint8Array<ArrayBuffer>) => void;

  /** @param seen Called with every request, without its size. */
  constructor(seen: (frame: Uint8Array<ArrayBuffer>) => void) {
    this.#seen = seen;
    this.#accept();
  }

  /** The address for clients. */
  get address(): string {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return `${hostname}:${port}`;
  }

  /** Stops accepting connections. */
  close(): void {
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#serve(connection).catch((error) => console.error("Connection ended:", error));
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const frames = new FrameReader(connection.readable, { maxFrameSize: MAX_FRAME_SIZE });
    const writer = connection.writable.getWriter();
    for (;;) {
      const frame = await frames.next();
      if (frame === null) return;
      this.#seen(frame);
      const answer = this.#answer(frame);
      if (answer !== undefined) await writer.write(answer);
    }
  }

  #answer(frame: Uint8Array): Uint8Array | undefined {
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    const api = apiByKey(apiKey);
    const answer = STUB_ANSWERS.get(apiKey);
    if (api === undefined || answer === undefined) throw new Error(`No answer to API ${apiKey}`);
    readRequestHeaderTags(reader, api, apiVersion);
    const request = codec(api.request, apiVersion).decode(reader);
    if (api === produce && request.acks === 0) return undefined;
    const { hostname: host, port } = this.#listener.addr as Deno.NetAddr;
    const out = new Writer();
    out.beginFrame();
    writeResponseHeader(out, api, apiVersion, correlationId);
    const response = answer(request as never, { host, port, apiVersion });
    codec(api.response, apiVersion).encode(out, response as never);
    out.endFrame();
    return out.takeBytes();
  }
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function capture(client: string, version: string, command: string[]): Promise<GoldenFrame[]> {
  const frames = new Map<string, GoldenFrame>();
  const broker = new StubBroker((frame) => {
    const { apiKey, apiVersion } = readRequestHeader(new Reader(frame));
    const api = apiByKey(apiKey)?.name ?? String(apiKey);
    const key = `${String(apiKey).padStart(3, "0")} ${String(apiVersion).padStart(3, "0")}`;
    const hex = toHex(frame);
    if ((frames.get(key)?.hex.length ?? 0) >= hex.length) return;
    frames.set(key, { client, version, api, apiVersion, direction: "request", hex });
  });
  const [program, ...args] = command.map((word) => word.replaceAll("{broker}", broker.address));
  const child = new Deno.Command(program!, { args, stdin: "piped" }).spawn();
  const lines = child.stdin.getWriter();
  await lines.write(new TextEncoder().encode("key:hello\n"));
  await lines.close().catch(() => {});
  const timer = setTimeout(() => child.kill("SIGKILL"), MAX_CLIENT_MS);
  const { code } = await child.status;
  clearTimeout(timer);
  broker.close();
  console.error(`${program} ended with ${code}, ${frames.size} kinds of request captured`);
  return [...frames].sort(([a], [b]) => a < b ? -1 : 1).map(([, frame]) => frame);
}

if (import.meta.main) {
  const [path, client, version, dashes, ...command] = Deno.args;
  if (path === undefined || client === undefined || version === undefined || dashes !== "--") {
    console.error("Usage: capture.ts FILE CLIENT VERSION -- COMMAND...");
    Deno.exit(2);
  }
  const frames = await capture(client, version, command);
  await Deno.writeTextFile(path, JSON.stringify(frames, null, 2) + "\n");
  Deno.exit(0);
}
