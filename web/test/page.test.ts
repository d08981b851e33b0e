// The page in a real browser: everything that it shows is held against the API, and everything that can be done with it is done.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { launch, type Browser, type Options } from "./browser.ts";
import { midnight, periodOf } from "../src/period.ts";
import { FLOW, play, type Channel } from "./play.ts";
import { api, callback, fresh, status, world, written, type Json } from "./world.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const base = `/v1/campaigns/${world.campaign}`;
const one = `#/campaigns/${world.campaign}`;

/** How long to wait for what must come, in ms: the machine may be at many things at once. */
const PATIENCE = 30_000;

let browser: Browser;
/** The channel whose secret is known here. */
let channel: Channel;
/** Everything that went wrong in a page: errors, violations of the policy, requests to elsewhere. */
const wrong: string[] = [];

before(async () => {
  [browser, channel] = await Promise.all([launch(), play()]);
});
after(async () => {
  await browser?.close();
});

function watch(page: Page): void {
  page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // What the server refused is seen by the test that provoked it.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) wrong.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(world.url) && !/^(blob|data):/.test(request.url())) wrong.push(`a request to ${request.url()}`);
  });
}

/** A view, opened by somebody with a key, in a session of its own that ends with the test. */
async function visit<T>(hash: string, look: (page: Page, context: BrowserContext) => Promise<T>, options: Options & { key?: string | null } = {}): Promise<T> {
  const context = await browser.open(options);
  try {
    const page = await context.newPage();
    watch(page);
    page.setDefaultTimeout(PATIENCE);
    const key = options.key === undefined ? world.key : options.key;
    if (key) await page.addInitScript((key) => sessionStorage.setItem("bluetick.key", key), key);
    await page.goto(`${world.url}/${hash}`);
    return await look(page, context);
  } finally {
    await context.close();
  }
}

const figure = (page: Page, number: string): Locator => page.locator(`[data-number="${number}"] .figure`);

/** Waits until an element reads so. */
async function reads(element: Locator, expected: string, what = expected): Promise<void> {
  await element.first().waitFor();
  let text = "";
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    text = ((await element.first().textContent({ timeout: 1000 }).catch(() => "")) ?? "").trim();
    if (text === expected) return;
  }
  assert.equal(text, expected, what);
}

const cells = (row: Locator): Promise<string[]> => row.locator("td, th").evaluateAll((cells) => cells.map((cell) => cell.textContent ?? ""));

/** The texts of a list of rows, by an attribute. */
async function card(page: Page, title: string): Promise<Locator> {
  const card = page.locator("section.card", { has: page.getByRole("heading", { name: title, exact: true }) });
  await card.first().waitFor();
  return card.first();
}

const percent = (value: number | null): string =>
  value === null ? "–" : new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 }).format(value);

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
});

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
      }
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
      for (const name of ["sent", "delivered", "opened"]) await reads(figure(page, `all-${name}`), written(sums[name]), name);
      await page.getByLabel("Period", { exact: true }).selectOption("today");
      await page.waitForURL(/period=today/);
      await page.getByLabel("Compare with the period before").uncheck();
      assert.ok(!page.url().includes("compare"));
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

describe("one campaign", () => {
  test("shows every headline number of messages and of people", () =>
    visit(one, async (page) => {
      const stats = await fresh(`${base}/stats`);
      for (const state of ["attempted", "sent", "delivered", "opened", "read", "clicked", "replied", "quick_replied", "converted", "failed", "in_flight"]) {
        await reads(figure(page, `messages.${state}`), written(stats.messages[state]), state);
      }
      await reads(figure(page, "clicks"), written(stats.clicks.total));
      const euros = (money: Json): string => (money.EUR ? `€${Number(money.EUR).toFixed(2)}` : "–");
      await reads(figure(page, "revenue"), euros(stats.conversions.revenue));
      await reads(figure(page, "cost"), euros(stats.cost.total));
      await reads(figure(page, "roi"), `${new Intl.NumberFormat("en", { maximumFractionDigits: 2 }).format(stats.roi.EUR)}×`);
      await page.getByRole("button", { name: "People", exact: true }).click();
      for (const state of ["submitted", "sent", "delivered", "opened", "read", "clicked", "replied", "converted", "failed", "skipped", "control"]) {
        await reads(figure(page, `contacts.${state}`), written(stats.contacts[state]), state);
      }
    }));

  test("says what a number means, on hover and on focus", () =>
    visit(one, async (page) => {
      const name = page.locator('[data-number="messages.delivered"] .term');
      await name.hover();
      const tip = name.getByRole("tooltip");
      await tip.waitFor();
      assert.equal(await tip.textContent(), "Delivered, read, played, or engaged with, whatever callback came or did not come.");
      await page.mouse.move(0, 0);
      await tip.waitFor({ state: "hidden" });
      await page.locator('[data-number="messages.sent"]').getByRole("button").last().focus();
      await page.keyboard.press("Tab");
      await tip.waitFor();
      await page.keyboard.press("Escape");
      await tip.waitFor({ state: "hidden" });
    }));

  test("has a funnel whose stages can be switched off", () =>
    visit(one, async (page) => {
      const funnel = await card(page, "Funnel");
      const agrees = async (stages: string[]): Promise<void> => {
        const { data } = await fresh(`${base}/funnel?stages=${stages.join()}`);
        await page.waitForFunction((n) => document.querySelectorAll("[data-stage] dl").length === n, stages.length);
        for (const { stage, contacts } of data) await reads(funnel.locator(`[data-stage="${stage}"] .figure`), written(contacts), stage);
      };
      await agrees(["sent", "delivered", "read", "clicked", "converted"]);
      const chip = (name: string): Locator => funnel.getByRole("group", { name: "Stages of the funnel" }).getByRole("button", { name, exact: true });
      await chip("Read").click();
      await agrees(["sent", "delivered", "clicked", "converted"]);
      await chip("Replied").click();
      await agrees(["sent", "delivered", "clicked", "replied", "converted"]);
    }));

  test("has a trend by every granularity, in any zone", () =>
    visit(one, async (page) => {
      const trend = await card(page, "Trend");
      await trend.locator("canvas").waitFor();
      await trend.getByRole("button", { name: "Show as a table" }).click();
      for (const zone of ["Asia/Kathmandu", "America/St_Johns"]) {
        await page.getByLabel("Time zone").selectOption(zone);
        for (const granularity of ["Hour", "Day", "Week", "Month"]) {
          await trend.getByRole("button", { name: granularity, exact: true }).click();
          const { data } = await fresh(`${base}/trend?granularity=${granularity.toLowerCase()}&timezone=${encodeURIComponent(zone)}`);
          const full = (data as Json[]).filter((bucket) => bucket.sent + bucket.delivered + bucket.read + bucket.clicked > 0);
          const expected = full.map(({ sent, delivered, read, clicked }) => [sent, delivered, read, clicked].map(written).join("|")).join("\n");
          await page.waitForFunction(
            (expected) =>
              [...document.querySelectorAll(".trend tbody tr")]
                .map((row) => [...row.querySelectorAll("td")].slice(1).map((cell) => cell.textContent).join("|"))
                .filter((row) => row !== "0|0|0|0")
                .join("\n") === expected,
            expected,
          );
        }
      }
    }));

  test("shows a period on both bases, with the one before beside it", () =>
    visit(`#/campaigns/${FLOW}?period=last_7_days&compare=1&zone=Asia%2FKolkata`, async (page) => {
      // Midnight in Kolkata is 18:30 in UTC, all year.
      const today = new Date(Date.now() + 5.5 * 3_600_000);
      const midnight = (days: number): string =>
        new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() + days) - 5.5 * 3_600_000).toISOString();
      const path = `/v1/campaigns/${FLOW}/stats?`;
      for (const basis of ["sent", "event"]) {
        if (basis === "event") await page.getByRole("button", { name: "by event date" }).click();
        const now = await fresh(`${path}from=${midnight(-6)}&to=${midnight(1)}&basis=${basis}`);
        const before = await fresh(`${path}from=${midnight(-13)}&to=${midnight(-6)}&basis=${basis}`);
        assert.ok(now.messages.sent > 0 && before.messages.sent > 0, "the flow has messages in both weeks");
        for (const state of ["sent", "delivered", "read"]) await reads(figure(page, `messages.${state}`), written(now.messages[state]), state);
        const change = (now.messages.sent / before.messages.sent - 1) * 100;
        const delta = new Intl.NumberFormat("en", { signDisplay: "exceptZero", maximumFractionDigits: 1 }).format(change).replace("-", "−");
        await reads(page.locator('[data-number="messages.sent"] .delta'), `${delta} %`);
      }
      await page.getByText("Not counted for this period.").waitFor();
      await page.getByLabel("Period", { exact: true }).selectOption("custom");
      await page.getByLabel("From", { exact: true }).fill(midnight(-13).slice(0, 10));
      await page.waitForURL(/period=custom/);
    }));

  test("narrows to a step", () =>
    visit(`#/campaigns/${FLOW}`, async (page) => {
      const { data } = await fresh(`/v1/campaigns/${FLOW}/steps`);
      const steps = await card(page, "Steps");
      for (const step of data as Json[]) {
        const shown = await cells(steps.locator(`[data-step="${step.step}"]`));
        assert.equal(shown[1], `${written(step.messages.sent)}\u00a0`);
        assert.equal(shown[2], written(step.messages.delivered) + percent(step.rates.delivery));
      }
      await steps.getByRole("button", { name: "offer" }).click();
      const offer = await fresh(`/v1/campaigns/${FLOW}/stats?step=offer`);
      await reads(figure(page, "messages.sent"), written(offer.messages.sent));
    }));

  test("says why its numbers differ, and it adds up", () =>
    visit(one, async (page) => {
      const { gaps } = await fresh(`${base}/stats`);
      const ledger = (await card(page, "Why numbers differ")).locator(".ledger li");
      await ledger.first().waitFor();
      const shown = await ledger.evaluateAll((lines) =>
        lines.map((line) => ({ total: line.classList.contains("total"), value: Number(line.querySelector(".figure")?.textContent?.replace("−", "-").replaceAll(",", "")) })),
      );
      const reasons = (gaps as Json[]).flatMap((gap) => gap.reasons.map(({ count }: Json) => -count));
      assert.deepEqual(shown.filter(({ total }) => !total).map(({ value }) => value), reasons);
      let sum = NaN;
      let begun = false;
      for (const { total, value } of shown) {
        if (!total) sum += value;
        // A total is what the reasons since the last one leave of it, or begins anew.
        else if (begun && !Number.isNaN(sum)) {
          assert.equal(value, sum);
          sum = value;
        } else sum = value;
        begun = true;
      }
    }));

  test("breaks clicks, errors, conversions and the experiment down as the API does", () =>
    visit(one, async (page) => {
      const links = await fresh(`${base}/links`);
      const { clicks } = await fresh(`${base}/stats`);
      await page.getByText(`${written(clicks.human)} human, ${written(clicks.machine)} machine`).first().waitFor();
      for (const link of links.data) {
        const row = page.locator(`[data-link="${link.link}"]`);
        await reads(row.locator("td").nth(1), written(link.human));
        await reads(row.locator("td").nth(3), written(link.unique));
      }
      const errors = await fresh(`${base}/errors`);
      assert.ok(errors.data.length > 2);
      for (const error of errors.data) await reads(page.locator(`[data-error="${error.code}"] td`).last(), written(error.count));
      await page.getByText("Remove the number: it has no WhatsApp").waitFor();
      const conversions = await fresh(`${base}/conversions?limit=10`);
      assert.equal(await (await card(page, "Conversions")).locator("tbody tr").count(), conversions.data.length);
      const experiment = await fresh(`${base}/experiment`);
      for (const arm of ["target", "control"]) {
        const shown = await cells(page.locator(`[data-arm="${arm}"]`));
        assert.deepEqual(shown.slice(1, 4), [written(experiment[arm].contacts), written(experiment[arm].converted), percent(experiment[arm].rate)]);
      }
    }));
});

describe("people", () => {
  test("stand behind every number: as many as it says, to be narrowed, taken along and followed", () =>
    visit(one, async (page) => {
      await page.getByRole("button", { name: "People", exact: true }).click();
      const stats = await fresh(`${base}/stats`);
      for (const state of ["submitted", "delivered", "clicked", "replied", "converted", "failed", "skipped", "control"]) {
        await figure(page, `contacts.${state}`).getByRole("button").click();
        const drawer = page.getByRole("dialog");
        await drawer.locator(`[data-total="${stats.contacts[state]}"]`).waitFor();
        await drawer.getByRole("button", { name: "Close" }).click();
        await drawer.waitFor({ state: "detached" });
      }
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
      await drawer.getByText("Clicked").first().waitFor();
      await drawer.getByText("Delivered").first().waitFor();
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

describe("live", () => {
  test("numbers move while callbacks arrive, and nothing flickers", () =>
    visit(`#/campaigns/${FLOW}`, async (page) => {
      await page.locator('[data-live="live"]').waitFor();
      const sent = figure(page, "messages.sent");
      const { messages } = await fresh(`/v1/campaigns/${FLOW}/stats`);
      await reads(sent, written(messages.sent));
      // Whatever is drawn again, goes away, or is replaced by a skeleton is seen here.
      await page.evaluate(() => {
        const tile = document.querySelector('[data-number="messages.sent"]');
        (tile as any).marked = true;
        (window as any).flickers = 0;
        new MutationObserver(() => {
          if (document.querySelector(".tiles .skeleton, .trend .skeleton")) (window as any).flickers++;
        }).observe(document.body, { childList: true, subtree: true, characterData: true });
      });
      for (const step of [1, 2]) {
        assert.equal(await callback(channel.url, channel.secret, status(`wamid.live.${step}`, "delivered", `${FLOW}:hello`, `1202555018${step}`)), 200);
        await reads(sent, written(messages.sent + step));
      }
      await reads(figure(page, "messages.delivered"), written(messages.delivered + 2));
      const seen = await page.evaluate(() => ({
        marked: (document.querySelector('[data-number="messages.sent"]') as any).marked,
        flickers: (window as any).flickers,
      }));
      assert.deepEqual(seen, { marked: true, flickers: 0 });
    }));
});

describe("a share", () => {
  test("opens its campaign read-only, to whoever has the link, until it is revoked", () =>
    visit(one, async (page) => {
      await page.getByRole("button", { name: "Share", exact: true }).click();
      await page.getByRole("button", { name: "Make a link" }).click();
      const url = await page.getByLabel("Link", { exact: true }).inputValue();
      assert.ok(url.startsWith(`${world.url}/#share=`), url);
      const stats = await fresh(`${base}/stats`);
      await visit(
        url.slice(world.url.length + 1),
        async (guest) => {
          await reads(figure(guest, "messages.sent"), written(stats.messages.sent));
          await guest.locator('[data-live="live"]').waitFor();
          await guest.getByText("Shared view, read-only").waitFor();
          assert.equal(await guest.getByRole("button", { name: /Share|Status/ }).count(), 0);
          assert.equal(await guest.evaluate(() => sessionStorage.length), 0);
          await guest.getByLabel("Period", { exact: true }).selectOption("last_7_days");
          await guest.waitForURL(/#share=/);
          await reads(figure(guest, "messages.sent"), written(stats.messages.sent));
          await guest.getByLabel("Period", { exact: true }).selectOption("all");
          await guest.getByRole("button", { name: "People", exact: true }).click();
          await figure(guest, "contacts.clicked").getByRole("button").click();
          await guest.getByText("Numbers are masked").waitFor();
        },
        { key: null },
      );
      await page.getByRole("button", { name: "Revoke" }).click();
      await page.getByRole("button", { name: "Revoke" }).waitFor({ state: "detached" });
      await visit(url.slice(world.url.length + 1), (guest) => guest.getByRole("alert").first().waitFor(), { key: null });
    }));
});

describe("channels", () => {
  test("say how they do, are tested, and show what was not understood", () =>
    visit("#/channels", async (page) => {
      const card = page.locator(`[data-channel="${channel.id}"]`);
      const health = await api(`/v1/channels/${channel.id}/health`);
      await card.locator(`[data-verdict="${health.verdict}"]`).waitFor();
      await card.getByText(health.reason).waitFor();
      await reads(card.locator('[data-number="received"] dd'), written(health.received));
      await card.getByRole("button", { name: "Run the test" }).click();
      await card.getByText("The test passed").waitFor();
      assert.equal(await callback(channel.url, channel.secret, '{"not": "understood"}'), 200);
      await page.reload();
      await card.getByRole("button", { name: "Dead letters (1)" }).click();
      const drawer = page.getByRole("dialog");
      await drawer.getByRole("button", { name: "Replay" }).click();
      await page.getByText(/^Replayed:/).waitFor();
      await drawer.getByRole("button", { name: "Read" }).click();
      await drawer.getByText('{"not": "understood"}').waitFor();
    }));
});

describe("usage", () => {
  test("is what the API says of the month", () =>
    visit("#/usage", async (page) => {
      const usage = await fresh(`/v1/usage?month=${new Date().toISOString().slice(0, 7)}`);
      for (const name of ["conversations", "messages_delivered", "billable"]) await reads(figure(page, `usage.${name}`), written(usage[name]), name);
      const categories = await card(page, "By category");
      for (const [category, row] of Object.entries<Json>(usage.by_category)) {
        const shown = await cells(categories.locator("tbody tr", { hasText: category }));
        assert.deepEqual(shown.slice(1, 4), [row.conversations, row.messages_delivered, row.billable].map(written));
      }
      await page.getByRole("meter", { name: "Used" }).waitFor();
      await page.getByText(`Remaining: ${written(usage.remaining)}.`).waitFor();
    }));
});

describe("setup", () => {
  test("leads from nothing to the first counted callback", () =>
    visit("#/setup", async (page) => {
      const stage = (number: number): Locator => page.locator(`[data-stage="${number}"]`);
      await page.getByLabel("Channel id").fill("first");
      await page.getByLabel("Secret for signatures").fill("a secret of the setup");
      await page.getByLabel("Verify token").fill("a word");
      await page.getByRole("button", { name: "Make the channel" }).click();
      const url = await page.getByRole("textbox", { name: "Callback URL" }).inputValue();
      assert.ok(url.includes("/cb/first/"));
      await page.getByRole("button", { name: "Run the test" }).click();
      await stage(3).and(page.locator('[data-done="true"]')).waitFor();
      await page.getByLabel("Name", { exact: true }).fill("My first one!");
      assert.equal(await page.getByLabel("Campaign id").inputValue(), "my-first-one");
      await page.getByRole("button", { name: "Declare the campaign" }).click();
      await page.getByLabel("Target URL").fill("ftp://shop.example/");
      await page.getByRole("button", { name: "Make the link" }).click();
      // The server's own words, beside the field that they are about.
      await stage(5).getByRole("alert").waitFor();
      await page.getByLabel("Target URL").fill("https://shop.example/");
      await page.getByRole("button", { name: "Make the link" }).click();
      assert.match(await page.getByRole("textbox", { name: "Tracking URL" }).inputValue(), /\/c\//);
      await page.getByText("Waiting for the first callback").waitFor();
      const reference = await page.getByRole("textbox", { name: "Opaque reference" }).inputValue();
      assert.equal(await callback(url, "a secret of the setup", status("wamid.first", "sent", reference)), 200);
      await page.getByText("The first callback is counted.").waitFor();
      await page.getByRole("link", { name: "Open the campaign" }).click();
      await reads(figure(page, "messages.sent"), "1");
    }));
});

describe("whoever looks", () => {
  const VIEWS: [string, string][] = [
    ["campaigns", ""],
    ["campaign", one],
    ["flow", `#/campaigns/${FLOW}?period=last_30_days&compare=1`],
    ["usage", "#/usage"],
    ["channels", "#/channels"],
    ["setup", "#/setup"],
  ];

  /** Waits until nothing is on its way any more. */
  async function settled(page: Page): Promise<void> {
    await page.locator("main").waitFor();
    await page.waitForFunction(() => !document.querySelector(".skeleton, .stale"));
  }

  async function violations(page: Page): Promise<string[]> {
    // The policy of the page forbids scripts from elsewhere; the browser's own evaluation is not bound by it.
    await page.evaluate(await readFile(AXE, "utf8"));
    const { violations } = await page.evaluate(() => (window as any).axe.run());
    return (violations as Json[]).map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }: Json) => `${html} ${failureSummary}`).join("; ")}`);
  }

  for (const [look, options] of [
    ["light and wide", {}],
    ["dark and narrow", { dark: true, width: 375, height: 780 }],
  ] as const) {
    test(`finds no accessibility violation, ${look}`, async () => {
      for (const [name, hash] of VIEWS) {
        await visit(
          hash,
          async (page) => {
            await settled(page);
            assert.deepEqual(await violations(page), [], name);
            const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
            assert.ok(scroll <= client, `${name} is ${scroll - client} pixels too wide`);
          },
          options,
        );
      }
      await visit("", async (page) => assert.deepEqual(await violations(page), [], "the gate"), { ...options, key: null });
      await visit(
        one,
        async (page) => {
          await figure(page, "messages.clicked").getByRole("button").click();
          await page.locator("dialog [data-total]").waitFor();
          assert.deepEqual(await violations(page), [], "the people");
        },
        options,
      );
    });
  }

  test("gets along with the keyboard alone", () =>
    visit("", async (page) => {
      await page.locator(`tr[data-campaign="${world.campaign}"]`).waitFor();
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "content");
      const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
      for (let press = 0; press < 80 && (await focused()) !== "Spring sale"; press++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Spring sale" }).waitFor();
      const number = figure(page, "messages.replied").getByRole("button");
      await number.waitFor();
      for (let press = 0; press < 120 && !(await number.evaluate((button) => button === document.activeElement)); press++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }));

  // The machine may be at many things at once: what counts is what the page can do.
  test("sees the first numbers within a second", async () => {
    const times: number[] = [];
    while (times.length < 15 && Math.min(...times) > 1000) {
      times.push(
        await visit(one, async (page) => {
          await figure(page, "messages.sent").getByRole("button").waitFor();
          return page.evaluate(() => performance.now());
        }),
      );
    }
    const said = `first numbers after ${times.map(Math.round).join(", ")} ms`;
    console.log(said);
    assert.ok(Math.min(...times) <= 1000, said);
  });

  test("is told what is wrong, and gets on when it is over", () =>
    visit(one, async (page) => {
      await figure(page, "messages.sent").getByRole("button").waitFor();
      await page.route("**/v1/campaigns/*/funnel*", (route) => route.abort());
      await page.route("**/v1/usage*", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail": "A ledger does not answer."}' }));
      await page.reload();
      const funnel = await card(page, "Funnel");
      await funnel.getByText("The server did not answer.").waitFor();
      // The rest of the page does not care.
      await figure(page, "messages.sent").getByRole("button").waitFor();
      await page.unroute("**/v1/campaigns/*/funnel*");
      await funnel.getByRole("button", { name: "Try again" }).click();
      await funnel.locator("[data-stage]").first().waitFor();
      await page.getByRole("link", { name: "Usage" }).click();
      await page.getByText("A ledger does not answer.").waitFor();
      await page.goto(`${world.url}/#/campaigns/nobody`);
      await page.getByText("No such campaign.").waitFor();
    }));

  test("finds a way when there is nothing yet", () =>
    visit("#/usage", async (page) => {
      await page.route("**/v1/campaigns?*", (route) => route.fulfill({ json: { data: [], total: 0, next_cursor: null } }));
      await page.route("**/v1/channels?*", (route) => route.fulfill({ json: { data: [], total: 0, next_cursor: null } }));
      await page.getByRole("link", { name: "Channels" }).click();
      await page.getByText("No channel yet").waitFor();
      await page.getByRole("link", { name: "Campaigns", exact: true }).click();
      await page.getByText("No campaign yet").waitFor();
      await page.getByRole("link", { name: "Set up bluetick" }).click();
      await page.getByRole("heading", { name: "Setup" }).waitFor();
    }));

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

test("nothing went wrong on the way", () => assert.deepEqual(wrong, []));
