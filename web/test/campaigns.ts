// The key, and the list of campaigns.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { FLOW } from "./play.ts";
import { cells, euros, figure, percent, reads, times, visit } from "./stage.ts";
import { api, fresh, world, written, type Json } from "./world.ts";

describe("the key", () => {
  test("is asked for, tried, and kept in the tab alone", () =>
    visit(
      "",
      async (page, context) => {
        await page.getByLabel("API key").fill("btk_wrong");
        await page.getByRole("button", { name: "Open the dashboard" }).click();
        await page.getByText("This key is not good here.").waitFor();
        await page.getByLabel("API key").fill(world.key);
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Campaigns", exact: true }).waitFor();
        const kept = await page.evaluate(() => ({
          session: Object.values(sessionStorage),
          local: localStorage.length,
          cookies: document.cookie,
        }));
        assert.deepEqual(kept, { session: [world.key], local: 0, cookies: "" });
        assert.ok(!page.url().includes(world.key), "the key stands in the address");
        const other = await context.newPage();
        await other.goto(world.url);
        await other.getByLabel("API key").waitFor();
        await page.getByRole("button", { name: "Forget key" }).click();
        await page.getByLabel("API key").waitFor();
        assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      },
      { key: null },
    ));
});

describe("what no key can be", () => {
  test("is not good either", () =>
    visit(
      "",
      async (page) => {
        await page.getByLabel("API key").fill("schlüssel");
        await page.getByRole("button", { name: "Open the dashboard" }).click();
        await page.getByText("This key is not good here.").waitFor();
      },
      { key: null },
    ));
});

describe("campaigns", () => {
  const row = (page: Page, campaign: string): Locator => page.locator(`tr[data-campaign="${campaign}"]`);

  test("are listed with the numbers of the API", () =>
    visit("", async (page) => {
      const { data, total } = await fresh("/v1/campaigns?limit=25");
      await page.getByText(`${total} campaigns`).waitFor();
      for (const campaign of data as Json[]) {
        const shown = await cells(row(page, campaign.campaign));
        for (const [column, state, rate] of [
          [3, "sent", null],
          [4, "delivered", "delivery"],
          [5, "read", "read"],
          [6, "clicked", "click_through"],
          [7, "replied", "reply"],
          [8, "failed", "failure"],
        ] as const) {
          const expected = written(campaign[state]) + (rate ? percent(campaign.rates[rate]) : "\u00a0");
          assert.equal(shown[column], expected, `${state} of ${campaign.campaign}`);
        }
        const { cost } = await fresh(`/v1/campaigns/${campaign.campaign}/stats`);
        assert.deepEqual(campaign.cost, cost, `the cost of ${campaign.campaign}`);
        const status = { live: "Live", paused: "Paused", stopped: "Stopped", sent: "Sent" }[campaign.status as string];
        assert.deepEqual([shown[1], shown[2], shown[9]], [status, written(campaign.audience_size), euros(cost.total)]);
      }
    }));

  test("have pages", () =>
    visit("#/?type=recurring", async (page) => {
      await page.getByText("No campaign fits these filters").waitFor();
      const all = Array.from({ length: 26 }, (_, number) => `page-${String(number).padStart(2, "0")}`);
      const created_at = "2026-01-01T00:00:00Z";
      for (const name of all) await api(`/v1/campaigns/${name}`, "PUT", { name, type: "recurring", message_type: "regular", created_at });
      await page.goto(`${world.url}/#/?type=recurring&sort=name`);
      await page.reload();
      await page.getByText("26 campaigns").waitFor();
      await row(page, "page-24").waitFor();
      assert.equal(await page.locator("tr[data-campaign]").count(), 25);
      await page.getByRole("button", { name: "Next" }).click();
      await row(page, "page-25").waitFor();
      assert.equal(await page.locator("tr[data-campaign]").count(), 1);
      assert.ok(await page.getByRole("button", { name: "Next" }).isDisabled());
      await page.getByRole("button", { name: "Previous" }).click();
      await row(page, "page-00").waitFor();
    }));

  test("are searched, filtered and sorted, and the address keeps it", () =>
    visit("", async (page) => {
      await row(page, FLOW).waitFor();
      await page.getByLabel("Search by name or id").fill("welcome");
      await row(page, world.campaign).waitFor({ state: "detached" });
      await row(page, FLOW).waitFor();
      assert.match(page.url(), /q=welcome/);
      await page.reload();
      await row(page, FLOW).waitFor();
      assert.equal(await page.locator("tr[data-campaign]").count(), 1);
      await page.getByLabel("Search by name or id").fill("no such thing");
      await page.getByText("No campaign fits these filters").waitFor();
      await page.getByRole("button", { name: "Clear the filters" }).click();
      await row(page, world.campaign).waitFor();
      await page.getByLabel("Type", { exact: true }).selectOption("flow");
      await row(page, world.campaign).waitFor({ state: "detached" });
      await page.getByLabel("Type", { exact: true }).selectOption("");
      await page.getByLabel("Status", { exact: true }).selectOption("sent");
      await row(page, FLOW).waitFor({ state: "detached" });
      await row(page, "autumn").waitFor();
      await page.getByLabel("Status", { exact: true }).selectOption("");
      // A tag is offered, or typed by who knows it.
      const tag = page.getByLabel("Tag", { exact: true });
      await row(page, FLOW).waitFor();
      const offered = await page.locator("datalist option").evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value));
      assert.deepEqual(offered, ["demo", "letter", "onboarding", "shop"]);
      await tag.fill("letter");
      await row(page, FLOW).waitFor({ state: "detached" });
      await row(page, "autumn").waitFor();
      await tag.fill("");
      await row(page, FLOW).waitFor();
      await tag.fill("nobody's");
      await tag.press("Enter");
      await page.getByText("No campaign fits these filters").waitFor();
      await page.getByRole("button", { name: "Clear the filters" }).click();
      await row(page, FLOW).waitFor();
      assert.equal(await tag.inputValue(), "");
      for (const [column, key] of [
        ["Sent", "sent"],
        ["Campaign", "name"],
      ] as const) {
        await page.getByRole("button", { name: `Sort by ${column}` }).click();
        await page.locator("th[aria-sort=descending]", { hasText: column }).waitFor();
        const { data } = await fresh(`/v1/campaigns?limit=25&sort=-${key}`);
        await page.waitForFunction(
          (expected) => [...document.querySelectorAll("tr[data-campaign]")].map((row) => row.getAttribute("data-campaign")).join() === expected,
          (data as Json[]).map(({ campaign }) => campaign).join(),
        );
      }
    }));

  test("together are what the API says of the period, with the one before beside it", () =>
    visit("#/?period=last_30_days&compare=1", async (page) => {
      const sums = await performanceOf(page);
      for (const name of ["sent", "delivered", "opened", "clicked", "conversions"]) await reads(figure(page, `all-${name}`), written(sums[name]), name);
      await reads(figure(page, "all-revenue"), euros(sums.revenue));
      await reads(figure(page, "all-cost"), euros(sums.cost.total));
      await reads(figure(page, "all-roi"), times(sums.roi));
      await page.locator('[data-number="all-sent"] .before').waitFor();
      await page.getByLabel("Period", { exact: true }).selectOption("today");
      await page.waitForURL(/period=today/);
      await page.getByLabel("Compare with the period before").uncheck();
      assert.ok(!page.url().includes("compare"));
    }));

  test("have a period whatever the address says, and a range that never ends before it begins", () =>
    visit("#/?period=all", async (page) => {
      const [period, from, to] = ["Period", "From", "To"].map((name) => page.getByLabel(name, { exact: true })) as [Locator, Locator, Locator];
      const counted = (): Promise<void> => figure(page, "all-sent").getByText(/\d/).waitFor();
      await counted();
      await page.goto(`${world.url}/#/?period=custom&from=2026-03-02&to=2026-03-01`);
      await counted();
      assert.equal(await period.inputValue(), "last_30_days");
      await period.selectOption("custom");
      const range = async (first: string, last: string): Promise<void> => {
        await page.waitForURL(new RegExp(`from=${first}&to=${last}`));
        assert.deepEqual([await from.inputValue(), await to.inputValue()], [first, last]);
        await counted();
      };
      await from.fill("2026-03-02");
      await to.fill("2026-03-15");
      await range("2026-03-02", "2026-03-15");
      await from.fill("2026-03-20");
      await range("2026-03-20", "2026-03-20");
      // By keyboard, an end goes through days that are not meant: the other one is where it was when it comes back.
      await from.blur();
      await to.focus();
      await to.press("ArrowDown");
      await page.waitForFunction(() => !location.hash.includes("=2026-03-20"));
      await to.press("ArrowUp");
      await range("2026-03-20", "2026-03-20");
      await to.press("ArrowDown");
      await to.press("ArrowUp");
      await to.press("ArrowUp");
      await page.waitForURL(/from=2026-03-20&to=(?!2026-03-20)/);
    }));

  test("get a status; the final ones are confirmed first", () =>
    visit("", async (page) => {
      const menu = row(page, "life").getByRole("button", { name: "Set the status of A life" });
      await menu.click();
      await page.getByRole("button", { name: "Pause", exact: true }).click();
      await page.getByText("A life is now paused.").waitFor();
      await row(page, "life").getByText("Paused").waitFor();
      assert.equal((await api("/v1/campaigns/life")).status, "paused");
      // By keyboard alone: down to the last choice, and out again.
      await menu.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Stop this campaign for good?" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      assert.equal((await api("/v1/campaigns/life")).status, "paused");
      await menu.click();
      await page.getByRole("button", { name: "Stop for good" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Stop for good" }).click();
      await row(page, "life").getByText("Stopped").waitFor();
      assert.equal((await api("/v1/campaigns/life")).status, "stopped");
      await menu.waitFor({ state: "detached" });
    }));
});

/** The sums of the period that the page shows, asked for by its own parameters. */
async function performanceOf(page: Page): Promise<Json> {
  const asked = page.waitForRequest((request) => request.url().includes("/v1/performance"));
  await page.reload();
  const url = new URL((await asked).url());
  return (await fresh(url.pathname + url.search)).total;
}
