// One campaign: every number of it, in every cut, as the API has it; live, and shared.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { Locator } from "playwright-core";
import { FLOW } from "./play.ts";
import { base, card, cells, change, channel, euros, figure, one, percent, reads, times, visit } from "./stage.ts";
import { api, callback, fresh, status, world, written, type Json } from "./world.ts";

describe("one campaign", () => {
  test("shows every headline number of messages and of people", () =>
    visit(one, async (page) => {
      const stats = await fresh(`${base}/stats`);
      for (const state of ["attempted", "sent", "delivered", "opened", "read", "clicked", "replied", "quick_replied", "converted", "failed", "in_flight"]) {
        await reads(figure(page, `messages.${state}`), written(stats.messages[state]), state);
      }
      await reads(figure(page, "clicks"), written(stats.clicks.total));
      await reads(figure(page, "revenue"), euros(stats.conversions.revenue));
      await reads(figure(page, "cost"), euros(stats.cost.total));
      await reads(figure(page, "roi"), times(stats.roi));
      for (const [state, rate, of] of [
        ["delivered", "delivery", "sent"],
        ["opened", "open", "delivered"],
        ["read", "read", "delivered"],
        ["clicked", "click_through", "delivered"],
        ["replied", "reply", "delivered"],
        ["quick_replied", "response", "delivered"],
        ["converted", "conversion", "delivered"],
        ["failed", "failure", "sent"],
      ] as const) {
        await reads(page.locator(`[data-number="messages.${state}"] .under`), `${percent(stats.rates[rate])} of ${of}`, rate);
      }
      await reads(page.locator('[data-number="clicks"] .under'), `${written(stats.clicks.human)} human, ${written(stats.clicks.machine)} machine`);
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
      // What comes meanwhile may bring another button between the two.
      const reached = (): Promise<boolean> => name.evaluate((term) => term.contains(document.activeElement));
      for (let tabs = 0; tabs < 5 && !(await reached()); tabs++) await page.keyboard.press("Tab");
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
      const { data } = await fresh(`${base}/trend?granularity=month&timezone=America/St_Johns`);
      const [file] = await Promise.all([page.waitForEvent("download"), trend.getByRole("button", { name: "Export the trend" }).click()]);
      assert.equal((await readFile(await file.path(), "utf8")).trim().split(/\r?\n/).length, data.length + 1);
    }));

  test("tells a bucket's numbers where one points, and draws the lines that one wants", () =>
    visit(`#/campaigns/${FLOW}?zone=UTC`, async (page) => {
      const trend = await card(page, "Trend");
      await trend.getByRole("button", { name: "Day", exact: true }).click();
      await trend.getByRole("button", { name: "Clicked", exact: true }).click();
      const { data } = await fresh(`/v1/campaigns/${FLOW}/trend?granularity=day&timezone=UTC`);
      const full = (data as Json[]).filter((bucket) => bucket.sent > 0);
      await trend.locator(".u-over").hover();
      const day = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" });
      const readout = trend.locator(".readout");
      await readout.waitFor();
      const [name, ...lines] = await readout.locator("b, div > span:last-child").allTextContents();
      const bucket = full.find(({ start }) => day.format(new Date(start)) === name);
      assert.deepEqual(lines, [bucket?.sent, bucket?.delivered, bucket?.read].map(written));
    }));

  test("with nothing in it says so, until there is something", () =>
    visit("#/campaigns/quiet", async (page) => {
      await page.getByText("No such campaign.").waitFor();
      await api("/v1/campaigns/quiet", "PUT", { name: "Quiet", type: "api", message_type: "template" });
      await page.reload();
      await page.getByText("Nothing has happened yet").waitFor();
      await page.locator('[data-live="live"]').waitFor();
      assert.equal(await callback(channel.url, channel.secret, status("wamid.quiet", "sent", "quiet", "12025550188")), 200);
      await reads(figure(page, "messages.sent"), "1");
      await page.getByText("Nothing has happened yet").waitFor({ state: "detached" });
      await card(page, "Funnel");
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
        await reads(
          page.locator('[data-number="messages.sent"] .before'),
          `${change(now.messages.sent, before.messages.sent)} ${written(before.messages.sent)} before`,
        );
        const [cost, was] = [now.cost.total, before.cost.total];
        await reads(page.locator('[data-number="cost"] .before'), `${change(cost.EUR, was.EUR)} ${euros(was)} before`);
        await reads(page.locator('[data-number="revenue"] .before'), "– before");
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

  test("says why its numbers differ, and it adds up", async () => {
    for (const [campaign, words] of [
      [world.campaign, ["Held back as the control group", "Skipped: had enough messages lately", "In flight: neither delivered nor failed yet"]],
      ["cart", ["Not heard of yet", "Not used: nobody was sent to so far"]],
      ["autumn", ["More people than the limit", "1 of these messages stand in no list any more: their people were erased."]],
    ] as const) {
      await visit(`#/campaigns/${campaign}`, async (page) => {
        const { gaps, messages, contacts } = await fresh(`/v1/campaigns/${campaign}/stats`);
        const { audience_size: audience, send_limit: limit } = await api(`/v1/campaigns/${campaign}`);
        const totals: Record<string, number> = { ...messages, audience, limit };
        const expected: number[] = [];
        for (const [index, { from, to, count, reasons }] of (gaps as Json[]).entries()) {
          const people = from === "audience" || from === "limit";
          assert.equal(totals[from]! - (people ? contacts : messages)[to], count, `${from} to ${to}`);
          assert.equal(reasons.reduce((sum: number, { count }: Json) => sum + count, 0), count, `${from} to ${to} adds up`);
          expected.push(totals[from]!, ...reasons.map(({ count }: Json) => -count));
          if (gaps[index + 1]?.from !== to) expected.push((people ? contacts : messages)[to]);
        }
        const ledger = await card(page, "Why numbers differ");
        await ledger.locator("li").first().waitFor();
        assert.deepEqual(await ledger.locator("li > .figure").allTextContents(), expected.map((n) => written(n).replace("-", "−")), campaign);
        const text = (await ledger.textContent()) ?? "";
        for (const word of words) assert.ok(text.includes(word), `${word} in ${text}`);
      });
    }
  });

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
      const conversions = await fresh(`${base}/conversions`);
      assert.ok(conversions.total > 10);
      const sold = await card(page, "Conversions");
      assert.equal(await sold.locator("tbody tr").count(), 10);
      await sold.getByRole("button", { name: "Load more" }).click();
      await sold.locator("tbody tr").nth(conversions.total - 1).waitFor();
      assert.deepEqual(await sold.locator("tbody td:last-child").allTextContents(), (conversions.data as Json[]).map(({ value }) => `€${value}`));
      const [file] = await Promise.all([page.waitForEvent("download"), sold.getByRole("button", { name: "Export CSV" }).click()]);
      assert.equal((await readFile(await file.path(), "utf8")).trim().split(/\r?\n/).length, conversions.total + 1);
      const experiment = await fresh(`${base}/experiment`);
      for (const arm of ["target", "control"]) {
        const shown = await cells(page.locator(`[data-arm="${arm}"]`));
        assert.deepEqual(shown.slice(1, 4), [written(experiment[arm].contacts), written(experiment[arm].converted), percent(experiment[arm].rate)]);
      }
    }));
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
      await visit(url.slice(world.url.length + 1), (guest) => guest.getByText("This link does not open anything any more.").waitFor(), { key: null });
    }));
});
