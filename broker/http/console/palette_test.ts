import { assertEquals } from "@std/assert";
import { matches } from "./src/palette.js";

Deno.test("matches() finds places by all words, those that begin with the text first", () => {
  const places = [
    ["Topics", "page", "/ui/topics"],
    ["new-orders", "topic", "/1"],
    ["orders", "topic", "/2"],
    ["orders", "produce to", "/3"],
    ["orders-eu", "group", "/4"],
    ["Overview", "page", "/ui/"],
  ];
  const paths = (text: string) => matches(places, text).map(([, , path]: string[]) => path);
  assertEquals(paths(""), places.map(([, , path]) => path), "in their order");
  assertEquals(paths("orders"), ["/2", "/3", "/4", "/1"]);
  assertEquals(paths("ORDERS topic"), ["/2", "/1"]);
  assertEquals(paths("orders produce"), ["/3"]);
  assertEquals(paths("group eu"), ["/4"]);
  assertEquals(paths("nothing"), []);
});
