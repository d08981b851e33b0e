// The people behind the numbers.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { Locator } from "playwright-core";
import { base, figure, one, visit } from "./stage.ts";
import { api, fresh, type Json } from "./world.ts";

describe("people", () => {
  test("stand behind every number: as many as it says, to be narrowed, taken along and followed", () =>
    visit(one, async (page) => {
      const stats = await fresh(`${base}/stats`);
      const opens = async (element: Locator, total: number): Promise<void> => {
        await element.getByRole("button").click();
        const drawer = page.getByRole("dialog");
        await drawer.locator(`[data-total="${total}"]`).waitFor();
        await drawer.getByRole("button", { name: "Close" }).click();
        await drawer.waitFor({ state: "detached" });
      };
      for (const state of ["attempted", "sent", "delivered", "opened", "read", "clicked", "replied", "quick_replied", "converted", "failed", "in_flight"]) {
        await opens(figure(page, `messages.${state}`), stats.messages[state]);
      }
      await page.getByRole("button", { name: "People", exact: true }).click();
      for (const state of ["submitted", "sent", "delivered", "opened", "read", "clicked", "replied", "converted", "failed", "skipped", "control"]) {
        await opens(figure(page, `contacts.${state}`), stats.contacts[state]);
      }
      const funnel = (await fresh(`${base}/funnel?stages=sent,delivered,read`)).data[2];
      await opens(page.locator('[data-stage="read"] .figure'), funnel.contacts);
      const [link] = (await fresh(`${base}/links`)).data;
      await opens(page.locator(`[data-link="${link.link}"] td`).nth(1), link.unique);
      const [error] = (await fresh(`${base}/errors`)).data.filter(({ kind }: Json) => kind === "delivery");
      await opens(page.locator(`[data-error="${error.code}"] td`).last(), error.count);
      const opener = figure(page, "contacts.clicked").getByRole("button");
      await opener.click();
      const drawer = page.getByRole("dialog");
      await drawer.locator(`[data-total="${stats.contacts.clicked}"]`).waitFor();
      assert.equal(await drawer.locator("tbody tr").count(), Math.min(50, stats.contacts.clicked));
      const [file] = await Promise.all([page.waitForEvent("download"), drawer.getByRole("button", { name: "Export CSV" }).click()]);
      const lines = (await readFile(await file.path(), "utf8")).trim().split(/\r?\n/);
      assert.equal(lines.length, stats.contacts.clicked + 1);
      assert.ok(file.suggestedFilename().endsWith(".csv"));
      const both = await fresh(`${base}/contacts?has=clicked,converted`);
      await drawer.getByRole("button", { name: /^Converted/ }).click();
      await drawer.locator(`[data-total="${both.total}"]`).waitFor();
      await drawer.getByRole("button", { name: /^Converted/ }).click();
      const without = await fresh(`${base}/contacts?has=clicked&not=converted`);
      await drawer.locator(`[data-total="${without.total}"]`).waitFor();
      await drawer.locator("tbody tr td:first-child button").first().click();
      const timeline = drawer.locator(".timeline");
      await timeline.getByText("Clicked").first().waitFor();
      await timeline.getByText("Delivered").first().waitFor();
      await page.keyboard.press("Escape");
      await drawer.waitFor({ state: "detached" });
      assert.ok(await opener.evaluate((button) => button === document.activeElement), "the focus comes back to the number");
    }));

  test("page through long lists", () =>
    visit(one, async (page) => {
      const stats = await fresh(`${base}/stats`);
      assert.ok(stats.messages.delivered > 50);
      await figure(page, "messages.delivered").getByRole("button").click();
      const drawer = page.getByRole("dialog");
      const rows = drawer.locator("tbody tr:not([aria-hidden])");
      await drawer.locator(`[data-total="${stats.messages.delivered}"]`).waitFor();
      while ((await rows.count()) < stats.messages.delivered) {
        const had = await rows.count();
        await drawer.getByRole("button", { name: /Load more/ }).click();
        await page.waitForFunction((had) => document.querySelectorAll("dialog tbody tr").length > had, had);
      }
      assert.equal(await rows.count(), stats.messages.delivered);
      // Whoever looks at a person comes back to where they were.
      const last = rows.last().getByRole("button");
      await last.click();
      const name = drawer.locator(".person h2");
      await name.waitFor();
      await page.waitForFunction(() => document.activeElement?.matches(".person h2"));
      await drawer.getByRole("button", { name: "Back to the list" }).click();
      await name.waitFor({ state: "detached" });
      assert.equal(await rows.count(), stats.messages.delivered);
      assert.ok(await last.evaluate((button) => button === document.activeElement), "the focus comes back to the person");
      assert.ok(await drawer.locator(".list > .content").evaluate((list) => list.scrollTop > 0), "the list is where it was");
    }));

  test("are masked for keys that may not see them", async () => {
    const { key, id } = await api("/v1/keys", "POST", { name: "reader", scopes: ["read"] });
    await visit(
      one,
      async (page) => {
        await page.getByRole("button", { name: "People", exact: true }).click();
        await figure(page, "contacts.clicked").getByRole("button").click();
        await page.getByText("Numbers are masked").waitFor();
        const { data } = await fresh(`${base}/contacts?has=clicked`);
        const text = (await page.getByRole("dialog").textContent()) ?? "";
        for (const { contact } of data as Json[]) assert.ok(!text.includes(contact), "a number in clear");
      },
      { key },
    );
    await api(`/v1/keys/${id}`, "DELETE");
  });
});
