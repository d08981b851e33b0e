// Lists that grow page by page, without a browser: what was loaded stays while the first page changes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { joined } from "../src/pages.ts";

describe("a list whose first page was read again", () => {
  const of = (first: number[], held: number[]): number[] => joined(first, held, (row) => row);

  test("goes on with what was held", () => {
    assert.deepEqual(of([9, 8, 7], [9, 8, 7, 6, 5]), [9, 8, 7, 6, 5]);
    // Two came, the last of what was held is not lost; one came late among them; one went.
    assert.deepEqual(of([11, 10, 9], [9, 8, 7, 6, 5]), [11, 10, 9, 8, 7, 6, 5]);
    assert.deepEqual(of([9, 8.5, 8], [9, 8, 7, 6]), [9, 8.5, 8, 7, 6]);
    assert.deepEqual(of([9, 7, 6], [9, 8, 7, 6, 5]), [9, 7, 6, 5]);
  });

  test("stands alone where nobody knows what lies between", () => assert.deepEqual(of([20, 19, 18], [9, 8, 7]), [20, 19, 18]));

  test("goes on after a first page without rows", () => assert.deepEqual(of([], [3, 2]), [3, 2]));

  test("knows rows by their key, and tells them anew", () => {
    const key = ({ id }: { id: string }): string => id;
    const rows = (goal: string): { id: string; goal: string }[] => ["b", "a"].map((id) => ({ id, goal }));
    assert.deepEqual(joined(rows("new"), [...rows("old"), { id: "0", goal: "old" }], key), [...rows("new"), { id: "0", goal: "old" }]);
  });
});
