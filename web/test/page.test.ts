// The page in a real browser: everything that it shows is held against the API, and everything that can be done with it is done.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { begin, end, wrong } from "./stage.ts";

before(begin);
after(end);

// In this order: later ones see what earlier ones did.
await import("./period.ts");
await import("./ids.ts");
await import("./format.ts");
await import("./timeline.ts");
await import("./words.ts");
await import("./pictures.ts");
await import("./campaigns.ts");
await import("./campaign.ts");
await import("./people.ts");
await import("./workspace.ts");
await import("./looks.ts");

test("nothing went wrong on the way", () => assert.deepEqual(wrong, []));
