import { assertEquals, assertThrows } from "@std/assert";
import { OtlpError, readOtlpMetrics } from "./otlp_metrics.ts";
import { otlpMetrics } from "./otlp_testing.ts";

Deno.test("readOtlpMetrics() reads gauges and sums: the largest, and all together", () => {
  const bytes = otlpMetrics([
    { name: "g", gauge: [1.5, -2, 0.5] },
    { name: "d", delta: [1, 2, 3] },
    { name: "c", cumulative: [10] },
    { name: "u", upDown: [-4] },
    { name: "none", gauge: [] },
    { name: "x".repeat(300), gauge: [1] },
    { name: "nan", gauge: [NaN, Infinity] },
  ]);
  assertEquals(readOtlpMetrics(bytes), [
    { name: "g", value: 1.5, kind: "gauge" },
    { name: "d", value: 6, kind: "delta" },
    { name: "c", value: 10, kind: "cumulative" },
    { name: "u", value: -4, kind: "gauge" },
  ]);
  assertEquals(readOtlpMetrics(new Uint8Array(0)), []);
});

Deno.test("readOtlpMetrics() refuses every cut of a push, or reads less of it", () => {
  const bytes = otlpMetrics([{ name: "g", gauge: [1] }, { name: "d", delta: [1] }]);
  for (let end = 1; end < bytes.length; end++) {
    assertThrows(() => readOtlpMetrics(bytes.subarray(0, end)), OtlpError, undefined, `${end}`);
  }
});

Deno.test("readOtlpMetrics() reads any bytes in bounded time", () => {
  let seed = 1;
  const next = () => seed = (seed * 48271) % 2147483647;
  const sample = otlpMetrics([{ name: "g", gauge: [1, 2] }, { name: "d", delta: [1] }]);
  for (let i = 0; i < 2000; i++) {
    const bytes = sample.slice();
    for (let change = 0; change < 3; change++) bytes[next() % bytes.length] = next() % 256;
    try {
      readOtlpMetrics(bytes);
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
    }
  }
  const many = otlpMetrics([{ name: "g", gauge: Array.from({ length: 10_001 }, () => 1) }]);
  assertThrows(() => readOtlpMetrics(many), OtlpError, "too many points");
});
