import { assertEquals, assertMatch } from "@std/assert";
import { OutageNotice } from "./outage_notice.ts";
import { WatchedOutput } from "../testing.ts";
import { testContext } from "../../terminal/test_context.ts";

function fixture(patienceMs: number) {
  const stderr = new WatchedOutput();
  const context = { ...testContext(), stderr: stderr.output };
  return { stderr, notice: new OutageNotice(context, "Consumer", patienceMs) };
}

Deno.test("OutageNotice reports a long outage once, and its end", async () => {
  const { stderr, notice } = fixture(1);
  using _ = notice;
  notice.begin("a leader");
  await stderr.until("\n");
  assertEquals(stderr.text, "Warning: Consumer: waiting for a leader\n");
  notice.begin("a broker");
  notice.begin("a leader");
  notice.end();
  await stderr.until("continues");
  assertMatch(stderr.text, /^.*\nConsumer: continues after \d+m?s\n$/);
});

Deno.test("OutageNotice reports no short outage, and nothing after it is disposed", async () => {
  const { stderr, notice } = fixture(60_000);
  notice.begin("a leader");
  notice.end();
  notice.begin("a leader");
  notice[Symbol.dispose]();
  await stderr.output.flush();
  assertEquals(stderr.text, "");
});
