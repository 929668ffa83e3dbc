import { assertEquals } from "@std/assert";
import { escapeControls, textWidth, truncateText } from "./text_width.ts";

Deno.test("textWidth() counts columns, not code units", () => {
  const cases: [text: string, width: number][] = [
    ["", 0],
    ["orders", 6],
    ["naïve", 5],
    ["nai\u0308ve", 5],
    ["заказы", 6],
    ["天地玄黃", 8],
    ["ｆｕｌｌ", 8],
    ["주문", 4],
    ["주문".normalize("NFD"), 4],
    ["🦕", 2],
    ["👨‍👩‍👧‍👦", 2],
    ["❤️", 2],
    ["🇩🇪", 2],
    ["a\u200bb", 2],
    ["a\x1bb", 2],
  ];
  for (const [text, width] of cases) assertEquals(textWidth(text), width, JSON.stringify(text));
});

Deno.test("truncateText() cuts between characters within the width", () => {
  assertEquals(truncateText("orders", 6), "orders");
  assertEquals(truncateText("orders", 5), "orde…");
  assertEquals(truncateText("天地玄黃", 6), "天地…");
  assertEquals(truncateText("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3), "👨‍👩‍👧‍👦…");
  assertEquals(truncateText("orders", 1), "…");
});

Deno.test("escapeControls() escapes every character that moves the cursor", () => {
  assertEquals(escapeControls("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  assertEquals(escapeControls("\x1b[31mred\x00"), "\\x1b[31mred\\x00");
  assertEquals(escapeControls("\x9b\u2028"), "\\x9b\\u2028");
  assertEquals(escapeControls("größe 天"), "größe 天");
});
