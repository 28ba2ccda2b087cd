import type { JsonObject } from '@countersign/canonical';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import { PersonBrowser } from './support/person-browser.ts';

let bench: ConsoleBench;
let person: PersonBrowser;

beforeAll(async () => {
  bench = await ConsoleBench.start({ persons: 2 });
  person = await bench.enrolled();
});

afterAll(async () => {
  await bench.stop();
});

function rowOf(actionId: string, { page }: PersonBrowser = person): Locator {
  return page.locator(`a[href="/action/${actionId}"]`);
}

describe('the list of open requests', () => {
  it('tells two requests of one type apart by what they would do', async () => {
    const one = await bench.ledger.request({ argv: ['restart', 'billing'] });
    const other = await bench.ledger.request({ argv: ['drop', 'billing'], purpose: 'Harmless.' });
    await person.page.goto(bench.ledger.url);
    await rowOf(one).getByText('/usr/bin/svc "restart" "billing"').waitFor();
    await rowOf(other).getByText('/usr/bin/svc "drop" "billing"').waitFor();
    const shown = await rowOf(other).innerText();
    // The facts first; then what it is, who asks, since when, and which one.
    expect(shown).toMatch(
      /^\/usr[^]*14 minutes left[^]*Run a command, asked by deployer[^]*just now[^]*id …/,
    );
    expect(shown).toContain(`…${other.slice(-8)}`);
    expect(shown).not.toContain('Harmless.');
    expect(await person.page.title()).toBe('(2) Open requests · Countersign');
  });

  it('says how many warnings there are to look at', async () => {
    const actionId = await bench.ledger.request({ argv: ['pay', '\u0410CME'] });
    await rowOf(actionId)
      .getByText(/^Look closely \(\d\)$/)
      .waitFor();
  });

  it('shows nothing of a request that it could not check', async () => {
    const asked = await bench.ledger.request({ argv: ['drop', 'everything'] });
    await person.page.route(`**/v1/actions/${asked}/review`, async (route) => {
      const response = await route.fetch();
      const review = (await response.json()) as { action: string } & JsonObject;
      await route.fulfill({
        response,
        json: { ...review, action: review.action.replace('everything', 'nothing') },
      });
    });
    await person.page.goto(bench.ledger.url);
    await rowOf(asked).getByText('Do not decide').waitFor();
    const shown = await rowOf(asked).innerText();
    expect(shown).toContain('ACTION_DIGEST_MISMATCH');
    expect(shown).not.toMatch(/everything|nothing/);
    await person.page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  it('says when there are more requests than it shows', async () => {
    await person.page.route('**/v1/inbox?*', async (route) => {
      const response = await route.fetch();
      const inbox = (await response.json()) as JsonObject;
      await route.fulfill({ response, json: { ...inbox, cursor: '01M83E3RGQYAKMGZGZM804J626' } });
    });
    await person.page.goto(bench.ledger.url);
    await person.page
      .locator('main')
      .getByText(/^More than \d+ requests wait\./)
      .waitFor();
    await person.page.unrouteAll({ behavior: 'ignoreErrors' });
    expect(person.faults).toEqual([]);
  });

  it('keeps words whole on a phone, and says how much of a long value it leaves out', async () => {
    const asked = await bench.ledger.request({ argv: ['x'.repeat(700)] });
    const phone = await bench.enrolled(1, { viewport: { width: 375, height: 812 } });
    await rowOf(asked, phone).getByText('and 555 more characters').waitFor();
    const words = rowOf(asked, phone).getByText('Run a command');
    const lines = await words.evaluate((element) => {
      const range = document.createRange();
      const [text] = element.childNodes;
      if (text === undefined) return 0;
      range.selectNodeContents(text);
      return range.getClientRects().length;
    });
    expect(lines).toBe(1);
    expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
    await phone.close();
  });
});
