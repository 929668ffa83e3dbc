import { assertEquals } from "@std/assert";
import { readmeTables } from "./readme_tables.ts";
import { measured, type Row } from "./report.ts";

function row(
  name: string,
  results: Readonly<Record<string, number>>,
  more: Partial<Row> = {},
): Row {
  return {
    name,
    unit: "MB/s",
    better: "higher",
    results: Object.fromEntries(
      Object.entries(results).map(([subject, value]) => [subject, measured([value])]),
    ),
    ...more,
  };
}

Deno.test("readmeTables() shows key rows, and every row that is lost, with the best in bold", () => {
  const tables = readmeTables([
    {
      title: "Broker",
      settings: {},
      hasRivals: true,
      rows: [
        row("won", { dqueue: 5, Kafka: 4 }),
        row("won and key", { dqueue: 1500, Kafka: 4 }, { isKey: true }),
        row("lost", { dqueue: 3, Kafka: 4, other: 3.5 }),
        row("lost, less is better", { dqueue: 9, Kafka: 7 }, { better: "lower" }),
      ],
    },
    {
      title: "Start",
      settings: {},
      rows: [row("aimed at", { dqueue: 70 }, { aim: 80 }), row("neither", { dqueue: 1 })],
    },
  ]);
  assertEquals(tables.split("\n"), [
    "| what | unit | Deno Queue | Kafka | other |",
    "| --- | --- | --: | --: | --: |",
    "| won and key | MB/s | 1,500 | 4 |  |",
    "| lost | MB/s | 3 | **4** | 3.5 |",
    "| lost, less is better | MB/s | 9 | **7** |  |",
    "",
    "| what | Deno Queue | aim |",
    "| --- | --: | --- |",
    "| aimed at | 70 MB/s | ≥ 80 missed |",
  ]);
});

Deno.test("readmeTables() without rows of its own report has no table for them", () => {
  const rows = [row("key", { dqueue: 15, Kafka: 4 }, { isKey: true })];
  const report = { title: "", settings: {}, hasRivals: true, rows };
  assertEquals(readmeTables([report]).split("\n").length, 3);
});
