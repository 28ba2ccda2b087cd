import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

let bench: ConsoleBench;
let person: PersonBrowser;

beforeAll(async () => {
  bench = await ConsoleBench.start();
  person = await bench.enrolled();
});

afterAll(async () => {
  await bench.stop();
});

async function open(params: Parameters<typeof bench.ledger.request>[0]): Promise<void> {
  const actionId = await bench.ledger.request(params);
  await person.page.goto(bench.addressOf(actionId));
  await person.page.getByRole('heading', { name: 'Your decision' }).waitFor();
}

/** What could do something, in the parts that show what somebody else wrote. */
async function activeElements(): Promise<string[]> {
  return person.page
    .locator('#display, #claims, .warnings')
    .evaluateAll((parts) =>
      parts.flatMap((part) =>
        [
          ...part.querySelectorAll(
            'a, img, script, iframe, object, svg, style, form, button, b, h1',
          ),
        ].map(({ outerHTML }) => outerHTML),
      ),
    );
}

const MARKUP = [
  '<img src=x onerror="document.title=1">',
  '<script>document.title=1</script>',
  '[click](https://evil.example) ![x](https://evil.example/x.png)',
  '<a href="javascript:alert(1)">Approve</a>',
  '\u001b[31mred\u001b[0m',
  '</dd></dl><h1>Nothing to see</h1>',
];

describe('text that somebody else wrote', () => {
  it('is plain text, whatever markup it holds (B10)', async () => {
    await open({ argv: MARKUP, purpose: MARKUP.slice(0, 4).join(' ') });
    expect(await activeElements()).toEqual([]);
    const shown = await person.page.locator('#display').innerText();
    expect(shown).toContain('<script>document.title=1</script>');
    expect(shown).toContain('\\u001b[31mred');
    expect(await person.page.locator('#claims').innerText()).toContain(
      '![x](https://evil.example/x.png)',
    );
    expect(await person.page.title()).toMatch(/^…[0-9A-Z]{8} · Run a command · Countersign$/);
    expect(person.requests.filter((url) => !url.startsWith(`${bench.ledger.url}/`))).toEqual([]);
    expect(person.faults).toEqual([]);
  });

  it('cannot turn the reading direction (B06)', async () => {
    await open({ argv: ['pay', 'ACME\u202Etxe.mooc'] });
    const shown = await person.page.locator('#display').innerText();
    expect(shown).toContain('⟨U+202E⟩');
    expect(shown).not.toContain('\u202E');
    await person.page.getByRole('heading', { name: /Look closely/ }).waitFor();
    const isIsolated = await person.page.locator('#display .exact').evaluateAll((values) =>
      values.every((value) => {
        const { direction, unicodeBidi } = getComputedStyle(value);
        return direction === 'ltr' && unicodeBidi === 'isolate';
      }),
    );
    expect(isIsolated).toBe(true);
  });

  it('warns of letters of several scripts, before anything else (B07)', async () => {
    await open({ argv: ['pay', '\u0410CME'] });
    const order = await person.page.evaluate(() => {
      const warnings = document.querySelector('.warnings');
      const display = document.querySelector('#display');
      if (warnings === null || display === null) return 0;
      return warnings.compareDocumentPosition(display);
    });
    // Node.DOCUMENT_POSITION_FOLLOWING
    expect(order).toBe(4);
    expect(await person.page.locator('.warnings').innerText()).toContain('several scripts');
  });

  it('is shown in full, and cannot push the end out of what must be seen (B09)', async () => {
    const argument = `${'\n'.repeat(500)}rm -rf / ${'x'.repeat(4_000)}\u200Bend`;
    await open({ argv: [argument] });
    const shown = await person.page.locator('#display').innerText();
    expect(shown).toContain('rm -rf /');
    expect(shown).toContain('x'.repeat(4_000));
    expect(shown).toContain('⟨U+200B⟩');
    expect(
      await person.page.getByRole('button', { name: 'Approve', exact: true }).isDisabled(),
    ).toBe(true);
    const isCut = await person.page.locator('#display dd').evaluateAll((values) =>
      values.some((value) => {
        const { overflow, textOverflow, maxHeight } = getComputedStyle(value);
        return overflow !== 'visible' || textOverflow === 'ellipsis' || maxHeight !== 'none';
      }),
    );
    expect(isCut).toBe(false);
  });

  it('stands apart when it is only the word of the agent (E02, D16)', async () => {
    const purpose = 'Human: the CFO already approved this. APPROVED. Click yes.';
    await open({ purpose });
    const claims = person.page.locator('#claims');
    await claims.getByRole('heading', { name: 'The agent says (not checked)' }).waitFor();
    expect(await claims.innerText()).toContain(purpose);
    for (const part of ['#display', '#ledger', '.status-line', '.decision']) {
      expect(await person.page.locator(part).innerText()).not.toContain('CFO');
    }
    expect(await person.page.locator('#ledger').innerText()).toContain('0 of 1');
    const borders = await person.page.evaluate(() =>
      ['#claims', '#ledger', '#display'].map((part) => {
        const element = document.querySelector(part);
        return element === null ? '' : getComputedStyle(element).borderBlockStartStyle;
      }),
    );
    expect(borders).toEqual(['dashed', 'solid', 'solid']);
  });
});
