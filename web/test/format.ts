// Money, without a browser: exact, in the digits of its currency, and never taken for that of another.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { source } from "./source.ts";

const { amount, money, multiples } = await source<typeof import("../src/format.ts")>("format.ts");

describe("money", () => {
  test("has as many digits as its currency", () => {
    assert.equal(amount("149.9", "EUR"), "€149.90");
    assert.equal(amount("1500", "JPY"), "¥1,500");
    assert.equal(amount("0.5", "JPY"), "¥1");
    assert.equal(amount("1.2345", "KWD"), "KWD\u00a01.235");
    // Of which Intl would leave some away.
    assert.equal(amount("100.5", "PKR"), "PKR\u00a0100.50");
    assert.equal(amount("0.4", "IQD"), "IQD\u00a00.400");
  });

  test("loses no digit of a large sum, and rounds halves up", () => {
    assert.equal(amount("123456789012345678901.005", "EUR"), "€123,456,789,012,345,678,901.01");
    assert.equal(amount("-12.005", "EUR"), "−€12.01");
    assert.equal(amount("-0.004", "EUR"), "€0.00");
  });

  test("says which dollar it is", () => {
    assert.deepEqual(["USD", "CAD", "AUD"].map((currency) => amount("1", currency)), ["$1.00", "CA$1.00", "A$1.00"]);
    assert.equal(money({ CAD: "2", USD: "1.5" }), "CA$2.00 + $1.50");
    assert.equal(money({}), "–");
  });

  test("comes back so many times, by currency where there are several", () => {
    assert.equal(multiples({ EUR: 2.5 }), "2.5×");
    assert.equal(multiples({ EUR: 2.5, USD: null }), "2.5× EUR · – USD");
    assert.equal(multiples({}), "–");
  });
});
