import { assertEquals } from "@std/assert";
import { silentLogger } from "../logger.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import { ManualClock } from "../time/clock.ts";
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
  const broker = { logger, clock: new ManualClock() };
  const connection = { peer: "127.0.0.1:1", host: "127.0.0.1" };
  logClosed(new Deno.errors.UnexpectedEof(), connection, broker);
  assertEquals(logged, []);
  logClosed(new Error("a fault of ours"), connection, broker);
  assertEquals(logged, ["Closed connection: request failed"]);
});

Deno.test("logClosed() logs ten lines a minute about clients of one address that break the protocol", () => {
  const logged: unknown[] = [];
  const clock = new ManualClock();
  const logger = {
    ...silentLogger,
    warn: (_: string, fields?: object) => void logged.push(fields),
  };
  const broker = { logger, clock };
  const violate = (host: string, reason: string) =>
    logClosed(new ProtocolViolationError(reason), { peer: `${host}:1`, host }, broker);
  for (let i = 0; i < 1000; i++) violate("10.0.0.1", `${i}`);
  assertEquals(logged.length, 10);
  assertEquals(logged.at(-1), { peer: "10.0.0.1:1", reason: "9" });
  // Others are not hidden by them.
  violate("10.0.0.2", "x");
  assertEquals(logged.at(-1), { peer: "10.0.0.2:1", reason: "x" });
  clock.advance(60_000);
  violate("10.0.0.1", "again");
  assertEquals(logged.at(-1), { peer: "10.0.0.1:1", reason: "again", notLogged: 990 });
});
