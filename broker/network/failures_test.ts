import { assertEquals } from "@std/assert";
import { silentLogger } from "../logger.ts";
import { isDisconnect, logClosed } from "./failures.ts";

Deno.test("isDisconnect() knows what runtimes report when a peer leaves, over TLS too", () => {
  const { errors } = Deno;
  const gone = [
    new errors.ConnectionReset(),
    new errors.BrokenPipe(),
    new errors.UnexpectedEof("peer closed connection without sending TLS close_notify"),
    Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
    Object.assign(new Error("write EPIPE"), { code: "EPIPE" }),
  ];
  for (const error of gone) assertEquals(isDisconnect(error), true, error.message);
  for (const error of [new Error("other"), undefined, null, "text", { code: 7 }]) {
    assertEquals(isDisconnect(error), false);
  }
});

Deno.test("logClosed() logs no error for a peer that has left", () => {
  const logged: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void logged.push(message) };
  logClosed(new Deno.errors.UnexpectedEof(), "127.0.0.1:1", logger);
  assertEquals(logged, []);
  logClosed(new Error("a fault of ours"), "127.0.0.1:1", logger);
  assertEquals(logged, ["Closed connection: request failed"]);
});
