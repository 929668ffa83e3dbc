import { assertEquals } from "@std/assert";
import { styleFor } from "./style.ts";
import { type Column, formatDetails, formatTable, printTable } from "./table.ts";
import { testContext } from "./test_context.ts";

interface Topic {
  name: string;
  partitions: number;
  lag?: number | null;
  note?: string;
}

const columns: Column<Topic>[] = [
  { heading: "NAME", cell: (topic) => topic.name },
  { heading: "PARTITIONS", cell: (topic) => topic.partitions },
  { heading: "LAG", cell: (topic) => topic.lag },
  { heading: "NOTE", cell: (topic) => topic.note, maxWidth: 8 },
];
const topics: Topic[] = [
  { name: "orders", partitions: 3, lag: 12_345, note: "from the shop" },
  { name: "注文", partitions: 12, lag: null },
];

Deno.test("formatTable() aligns columns by their width on screen, numbers on the right", () => {
  assertEquals(
    formatTable(columns, topics),
    "NAME    PARTITIONS    LAG  NOTE\n" +
      "orders           3  12345  from the shop\n" +
      "注文            12      -  -\n",
  );
});

Deno.test("formatTable() cuts long cells on a terminal only", () => {
  assertEquals(
    formatTable(columns.slice(3), topics, { isTerminal: true }),
    "NOTE\nfrom th…\n-\n",
  );
});

Deno.test("formatTable() colours after aligning, and only on request", () => {
  const painted: Column<Topic>[] = [
    { heading: "LAG", cell: (topic) => topic.lag, paint: (style) => style.red },
    { heading: "NAME", cell: (topic) => topic.name, align: "right" },
  ];
  assertEquals(
    formatTable(painted, topics, { style: styleFor(true) }),
    "  \x1b[1mLAG\x1b[22m    \x1b[1mNAME\x1b[22m\n" +
      "\x1b[31m12345\x1b[39m  orders\n" +
      "    \x1b[31m-\x1b[39m    注文\n",
  );
  assertEquals(formatTable(painted, topics), "  LAG    NAME\n12345  orders\n    -    注文\n");
});

Deno.test("formatTable() makes control characters visible", () => {
  assertEquals(
    formatTable(columns.slice(0, 1), [{ name: "a\n\x1b[2Jb", partitions: 1 }]),
    "NAME\na\\n\\x1b[2Jb\n",
  );
});

Deno.test("printTable() prints the message for an empty table on standard error", async () => {
  const context = testContext();
  printTable(context, columns, [], "No topics");
  printTable(context, columns.slice(0, 2), topics.slice(0, 1), "No topics");
  await context.stdout.flush();
  await context.stderr.flush();
  assertEquals(context.stdoutText(), "NAME    PARTITIONS\norders           3\n");
  assertEquals(context.stderrText(), "No topics\n");
});

Deno.test("formatDetails() prints names and values below each other", () => {
  assertEquals(
    formatDetails([["Name", "orders"], ["Partitions", 3], ["Internal", false], ["Owner", null]]),
    "Name        orders\nPartitions  3\nInternal    false\nOwner       -\n",
  );
  assertEquals(formatDetails([]), "");
});
