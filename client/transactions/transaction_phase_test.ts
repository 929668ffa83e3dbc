import { assertEquals } from "@std/assert";
import { nextPhase, type TransactionEvent, type TransactionPhase } from "./transaction_phase.ts";

const EVENTS: readonly TransactionEvent[] = [
  "initialize",
  "initialized",
  "outdate",
  "begin",
  "fail",
  "commit",
  "flush",
  "end",
  "refuse",
  "giveUp",
  "abort",
  "fence",
];

/** The phase after each of the events, in their order; a dash where an event cannot happen. */
const EXPECTED: { readonly [P in TransactionPhase]: string } = {
  //             initialize   initialized outdate       begin fail      commit     flush      end   refuse    giveUp        abort         fence
  uninitialized:
    "initializing -          -             -     -         -          -          -     -         -             -             fatal",
  initializing:
    "-             ready      -             -     -         -          -          -     -         uninitialized -             fatal",
  ready:
    "-                    -          uninitialized open  -         -          -          -     -         -             -             fatal",
  open:
    "-                     -          -             -     abortOnly flushing   -          -     -         -             aborting      fatal",
  abortOnly:
    "-                -          -             -     abortOnly -          -          -     -         -             aborting      fatal",
  flushing:
    "-                 -          -             -     abortOnly -          committing -     -         open          -             fatal",
  committing:
    "-               -          -             -     -         -          -          ready abortOnly undecided     -             fatal",
  undecided:
    "-                -          -             -     -         committing -          -     -         -             uninitialized fatal",
  aborting:
    "-                 -          -             -     aborting  -          -          ready -         uninitialized -             fatal",
  fatal:
    "-                    -          -             -     fatal     -          -          -     -         fatal         -             fatal",
};

Deno.test("nextPhase() leads from each phase by each event as the table says", async (t) => {
  for (const [phase, row] of Object.entries(EXPECTED)) {
    await t.step(phase, () => {
      const actual = EVENTS.map((event) => nextPhase(phase as TransactionPhase, event) ?? "-");
      assertEquals(actual, row.split(/ +/) as typeof actual);
    });
  }
});

Deno.test("nextPhase() ends in ready, uninitialized or fatal only where no transaction is left open", () => {
  const left: string[] = [];
  for (const phase of Object.keys(EXPECTED) as TransactionPhase[]) {
    for (const event of EVENTS) {
      if (nextPhase(phase, event) === "ready") left.push(`${phase} ${event}`);
    }
  }
  assertEquals(left, ["initializing initialized", "committing end", "aborting end"]);
});
