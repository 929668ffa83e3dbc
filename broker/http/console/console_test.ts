import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HttpError } from "../http_error.ts";
import { ASSETS } from "./assets.ts";
import { buildAssets } from "./build.ts";
import { consoleResponse } from "./console.ts";

Deno.test("ASSETS are what deno task console:build makes of src/", async () => {
  const built = await Deno.readTextFile(new URL("assets.ts", import.meta.url));
  assertEquals(await buildAssets(), built, "run deno task console:build");
});

Deno.test("ASSETS need nothing from elsewhere, and have no styles or scripts within markup", () => {
  for (const [name, { text }] of Object.entries(ASSETS)) {
    const addresses = Array.from(text.matchAll(/https?:\/\/[\w.]+/g), ([address]) => address);
    assertEquals(addresses.filter((address) => address !== "http://www.w3.org"), [], name);
    assertEquals(/\bstyle=|innerHTML|insertAdjacentHTML|\bonclick="/.test(text), false, name);
  }
});

Deno.test("consoleResponse() has the page at every address, and the files with a strict policy", async () => {
  for (const path of ["/ui/", "/ui/topics/a%2Fb/messages", "/ui/groups"]) {
    const response = consoleResponse(path);
    assertStringIncludes(await response.text(), '<main id="main"');
    assertStringIncludes(response.headers.get("content-security-policy")!, "default-src 'none'");
  }
  const script = consoleResponse("/ui/assets/app.js");
  assertEquals(script.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert((await script.text()).length > 0);
  const moved = consoleResponse("/");
  assertEquals([moved.status, moved.headers.get("location")], [302, "/ui/"]);
  for (const name of ["nothing.js", "../http_server.ts", "__proto__", "toString"]) {
    assertThrows(() => consoleResponse(`/ui/assets/${name}`), HttpError, "nothing at", name);
  }
});
