import { assertEquals } from "@std/assert";
import { ManualClock } from "../../time/clock.ts";
import type { Session } from "../session.ts";
import type { AuditEvent } from "./audit_log.ts";
import { CollapsingAuditLog } from "./collapsing_audit_log.ts";

const SESSION: Session = {
  principal: { type: "User", name: "alice" },
  host: "10.0.0.1",
  listener: { name: "EXTERNAL", protocol: "SASL_SSL" },
  isLocal: false,
};

function denial(resource: string): AuditEvent {
  return {
    event: "authz.deny",
    session: SESSION,
    clientId: "app",
    api: "Fetch",
    operation: "READ",
    resourceType: "TOPIC",
    resource,
    rule: "DefaultDeny",
  };
}

function world() {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = new CollapsingAuditLog({ clock, write: (line) => lines.push(line) });
  const taken = () => lines.splice(0).map((line) => JSON.parse(line));
  return { clock, lines, log, taken };
}

Deno.test("CollapsingAuditLog writes a line with all that is known of an event", () => {
  const { log, taken, clock } = world();
  log.record(denial("orders"));
  assertEquals(taken(), [{
    ts: new Date(clock.now()).toISOString(),
    event: "authz.deny",
    principal: "User:alice",
    clientId: "app",
    host: "10.0.0.1",
    listener: "EXTERNAL",
    api: "Fetch",
    operation: "READ",
    resourceType: "TOPIC",
    resource: "orders",
    rule: "DefaultDeny",
    count: 1,
  }]);
  log.close();
});

Deno.test("CollapsingAuditLog writes equal denials once a second, with their number", () => {
  const { log, taken, clock } = world();
  for (let i = 0; i < 1000; i++) log.record(denial("a"));
  log.record(denial("b"));
  assertEquals(taken().map(({ resource, count }) => [resource, count]), [["a", 1], ["b", 1]]);
  clock.advance(1000);
  assertEquals(taken().map(({ resource, count }) => [resource, count]), [["a", 999]]);
  clock.advance(10_000);
  assertEquals(taken(), []);
  log.record(denial("a"));
  log.record(denial("a"));
  log.close();
  assertEquals(taken().map(({ count }) => count), [1, 1]);
});

Deno.test("CollapsingAuditLog writes each change, also of the same", () => {
  const { log, taken } = world();
  const change: AuditEvent = { event: "change", session: SESSION, resource: "a", after: { x: 1 } };
  log.record(change);
  log.record(change);
  assertEquals(taken().map(({ after }) => after), [{ x: 1 }, { x: 1 }]);
});

Deno.test("CollapsingAuditLog is bounded, and says how much it left out of whom", () => {
  const { log, lines, taken, clock } = world();
  const of = (host: string, resource: string): AuditEvent => ({
    ...denial(resource),
    session: { ...SESSION, host },
  });
  for (let i = 0; i < 1500; i++) log.record(of("10.0.0.1", `topic-${i}`));
  assertEquals(lines.length, 250);
  // What others do is seen all the same.
  log.record(of("10.0.0.2", "a"));
  assertEquals(taken().at(-1)!["host"], "10.0.0.2");
  for (let host = 3; host < 10; host++) {
    for (let i = 0; i < 300; i++) log.record(of(`10.0.0.${host}`, `topic-${i}`));
  }
  assertEquals(lines.length, 1000 - 251);
  lines.length = 0;
  clock.advance(1000);
  assertEquals(
    taken().map(({ event, principal, host, count }) => [event, principal, host, count]),
    [
      ["lost", "User:alice", "10.0.0.1", 1250],
      ["lost", "User:alice", "10.0.0.3", 50],
      ["lost", "User:alice", "10.0.0.4", 50],
      ["lost", "User:alice", "10.0.0.5", 51],
      ["lost", undefined, undefined, 4 * 300],
    ],
  );
  log.record(of("10.0.0.1", "b"));
  assertEquals(taken().length, 1);
  log.close();
});

Deno.test("CollapsingAuditLog cuts and escapes what clients send", () => {
  const { log, lines } = world();
  const evil = 'x"}\n2026 INFO forged \u001b[2J\u009b2J\u202e\u2028';
  log.record({ ...denial(evil.padEnd(100_000, "y")), clientId: `${"a".repeat(255)}😀` });
  const [line] = lines as [string];
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x1f\x7f-\x9f\u2028\u202e]/.test(line), false);
  assertEquals(line.length < 1500, true);
  const { resource, clientId } = JSON.parse(line);
  assertEquals([resource.startsWith(evil), resource.length, clientId.length], [true, 257, 257]);
  const after = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, "v"]));
  log.record({ event: "change", session: SESSION, after: { after, list: Array(1000).fill("z") } });
  assertEquals(lines[1]!.length < 2000, true);
  log.close();
});
