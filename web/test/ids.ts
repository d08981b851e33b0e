// Ids, without a browser: what is left of a name, and one that nothing has yet.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freeId, idOf } from "../src/ids.ts";

describe("the id of a name", () => {
  test("keeps letters without their marks", () => {
    assert.equal(idOf("Frühling"), "fruhling");
    assert.equal(idOf(" Été à Paris, 50 % "), "ete-a-paris-50");
  });
});

describe("a free id", () => {
  test("is the one that is wanted, or the first with a number that nothing has", () => {
    assert.equal(freeId("whatsapp", []), "whatsapp");
    assert.equal(freeId("whatsapp", ["whatsapp-2", "whatsapp-old", "wa"]), "whatsapp");
    assert.equal(freeId("whatsapp", ["whatsapp"]), "whatsapp-2");
    assert.equal(freeId("whatsapp", ["whatsapp-3", "whatsapp", "whatsapp-2", "whatsapp-5"]), "whatsapp-4");
  });
});
