// A person's timeline, without a browser: every kind of entry has its word.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TimelineEntry } from "../src/types.ts";
import { source } from "./source.ts";

const { told } = await source<typeof import("../src/timeline.ts")>("timeline.ts");

describe("an entry of a timeline", () => {
  test("is told by what came of it", () => {
    const of = (entry: Omit<TimelineEntry, "at">): string => told({ at: "2026-11-21T09:00:00Z", ...entry });
    assert.deepEqual(
      ["accepted", "error", "skipped", "control"].map((outcome) => of({ kind: "dispatch", outcome })),
      ["Accepted", "Dispatch error", "Skipped", "Held back as control"],
    );
    assert.equal(of({ kind: "dispatch", outcome: "accepted", conflict: true }), "Accepted, but another claim on the message holds");
    assert.equal(of({ kind: "status", status: "delivered" }), "Delivered");
    assert.equal(of({ kind: "reaction" }), "Reacted");
    assert.equal(of({ kind: "reaction", removed: true }), "Took a reaction back");
    assert.equal(of({ kind: "conversion" }), "Converted");
    assert.equal(of({ kind: "conversion", cancelled: true }), "Order cancelled");
    assert.deepEqual([true, false].map((human) => of({ kind: "click", human })), ["Clicked", "Fetched by a machine"]);
    assert.deepEqual([true, false].map((stopped) => of({ kind: "opt_out", stopped })), ["Opted out", "Opted in again"]);
    assert.equal(of({ kind: "of tomorrow" }), "of tomorrow");
  });
});
