// Periods, without a browser: where days begin, and what stands before them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { midnight, moved, periodOf } from "../src/period.ts";

describe("a period", () => {
  const at = (year: number, month: number, day: number, zone: string): string => midnight({ year, month, day }, zone).toISOString();

  test("begins with the day of the zone, whatever the clock does", () => {
    assert.equal(at(2026, 11, 21, "UTC"), "2026-11-21T00:00:00.000Z");
    assert.equal(at(2026, 11, 21, "Asia/Kathmandu"), "2026-11-20T18:15:00.000Z");
    assert.equal(at(2026, 7, 1, "America/St_Johns"), "2026-07-01T02:30:00.000Z");
    // Both sides of the change to summer time and back.
    assert.equal(at(2026, 3, 29, "Europe/Berlin"), "2026-03-28T23:00:00.000Z");
    assert.equal(at(2026, 3, 30, "Europe/Berlin"), "2026-03-29T22:00:00.000Z");
    assert.equal(at(2026, 10, 25, "Europe/Berlin"), "2026-10-24T22:00:00.000Z");
    assert.equal(at(2026, 10, 26, "Europe/Berlin"), "2026-10-25T23:00:00.000Z");
    // In Santiago midnight itself is skipped: the day begins at one.
    assert.equal(at(2025, 9, 7, "America/Santiago"), "2025-09-07T04:00:00.000Z");
  });

  test("has the one before it beside it", () => {
    const now = Date.parse("2026-03-30T10:00:00Z");
    const of = (query: string): string[] => {
      const { range, before } = periodOf({ path: [], query: new URLSearchParams(query) }, "Europe/Berlin", "all", now);
      return [range?.from, range?.to, before?.from, before?.to].map((date) => date?.toISOString().slice(0, 13) ?? "-");
    };
    assert.deepEqual(of("period=today"), ["2026-03-29T22", "2026-03-30T22", "-", "-"]);
    assert.deepEqual(of("period=last_7_days&compare=1"), ["2026-03-23T23", "2026-03-30T22", "2026-03-16T23", "2026-03-23T23"]);
    assert.deepEqual(of("period=this_month&compare=1"), ["2026-02-28T23", "2026-03-31T22", "2026-01-31T23", "2026-02-28T23"]);
    assert.deepEqual(of("period=last_month"), ["2026-01-31T23", "2026-02-28T23", "-", "-"]);
    assert.deepEqual(of("period=custom&from=2026-03-01&to=2026-03-02&compare=1&zone=UTC"), ["2026-03-01T00", "2026-03-03T00", "2026-02-27T00", "2026-03-01T00"]);
    for (const nothing of ["", "period=all", "period=custom&from=2026-03-02&to=2026-03-01", "period=custom"]) assert.deepEqual(of(nothing), ["-", "-", "-", "-"]);
  });

  test("is the view's own where the address has none", () => {
    const now = Date.parse("2026-03-30T10:00:00Z");
    const of = (query: string, otherwise: string): [string, string | undefined] => {
      const { name, range } = periodOf({ path: [], query: new URLSearchParams(query) }, "UTC", otherwise, now);
      return [name, range?.from.toISOString().slice(0, 10)];
    };
    for (const none of ["", "period=all", "period=never", "period=custom&from=2026-03-02&to=2026-03-01", "period=custom&from=2026-03-02", "period=custom"]) {
      assert.deepEqual(of(none, "last_30_days"), ["last_30_days", "2026-03-01"], none);
      assert.deepEqual(of(none, "all"), ["all", undefined], none);
    }
    assert.deepEqual(of("period=custom&from=2026-03-02&to=2026-03-02", "last_30_days"), ["custom", "2026-03-02"]);
  });

  test("takes its other end along where one end would pass it", () => {
    const range = (from: string, to: string): object => ({ from, to });
    assert.deepEqual(moved("from", "2026-02-27", "2026-03-02"), range("2026-02-27", "2026-03-02"));
    assert.deepEqual(moved("from", "2026-03-02", "2026-03-02"), range("2026-03-02", "2026-03-02"));
    assert.deepEqual(moved("from", "2026-12-01", "2026-03-02"), range("2026-12-01", "2026-12-01"));
    assert.deepEqual(moved("to", "2026-03-09", "2026-03-02"), range("2026-03-02", "2026-03-09"));
    assert.deepEqual(moved("to", "2025-12-31", "2026-03-02"), range("2025-12-31", "2025-12-31"));
  });
});
