// Pictures of the main views, to be looked at.
import { describe, test } from "node:test";
import { VIEWS, settled, visit } from "./stage.ts";
import { world } from "./world.ts";

describe("pictures", () => {
  test("keeps pictures of the main views", async () => {
    for (const [look, options] of [
      ["light", {}],
      ["dark", { dark: true }],
      ["light-narrow", { width: 390, height: 844 }],
      ["dark-narrow", { width: 390, height: 844, dark: true }],
    ] as const) {
      for (const [name, hash] of VIEWS) {
        await visit(
          hash,
          async (page) => {
            await settled(page);
            await page.screenshot({ path: `${world.shots}/${name}-${look}.png`, fullPage: true });
          },
          options,
        );
      }
    }
  });
});
