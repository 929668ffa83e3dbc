import { assert, assertEquals, assertRejects } from "@std/assert";
import { DescriptorReserve } from "./descriptor_reserve.ts";

function outOfDescriptors(): Error {
  return Object.assign(new Error("Too many open files"), { code: "EMFILE" });
}

Deno.test({
  name:
    "DescriptorReserve.makeRoom() uses the reserve if no holder can give back, and refill() restores it",
  ignore: Deno.build.os === "windows",
  fn() {
    using reserve = DescriptorReserve.open();
    const size = reserve.spareCount;
    assert(size > 0);
    let idle = 2;
    const leave = reserve.onShortage(() => idle-- > 0);
    for (let i = 0; i < 2; i++) assert(reserve.makeRoom());
    assertEquals([reserve.spareCount, reserve.isShort], [size, false]);
    for (let i = 1; i <= size; i++) {
      assert(reserve.makeRoom());
      assertEquals([reserve.spareCount, reserve.isShort], [size - i, true]);
    }
    assertEquals(reserve.makeRoom(), false);
    leave();
    assert(reserve.refill());
    assertEquals([reserve.spareCount, reserve.isShort], [size, false]);
    reserve.close();
    assertEquals(reserve.lend(), false);
  },
});

Deno.test("DescriptorReserve.use() retries while a descriptor can be freed", async () => {
  using reserve = DescriptorReserve.open();
  let failures = 3;
  let idle = 3;
  const leave = reserve.onShortage(() => idle-- > 0);
  const result = await reserve.use(() =>
    failures-- > 0 ? Promise.reject(outOfDescriptors()) : Promise.resolve("done")
  );
  assertEquals([result, idle], ["done", 0]);
  leave();
  while (reserve.lend());
  await assertRejects(
    () => reserve.use(() => Promise.reject(outOfDescriptors())),
    Error,
    "Too many",
  );
  await assertRejects(() => reserve.use(() => Promise.reject(new Error("else"))), Error, "else");
});

Deno.test("DescriptorReserve.use() bounds concurrent operations, and runs them in order", async () => {
  using reserve = DescriptorReserve.open();
  const ends: (() => void)[] = [];
  const done = Array.from(
    { length: 40 },
    () => reserve.use(() => new Promise<void>((resolve) => ends.push(resolve))),
  );
  let most = 0;
  for (let ended = 0; ended < 40;) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    most = Math.max(most, ends.length);
    for (const end of ends.splice(0)) {
      end();
      ended++;
    }
  }
  await Promise.all(done);
  assertEquals(most, 16);
});
