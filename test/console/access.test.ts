import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import { PersonBrowser, type PersonOptions } from './support/person-browser.ts';

let bench: ConsoleBench;

beforeAll(async () => {
  bench = await ConsoleBench.start({ persons: 5 });
});

afterAll(async () => {
  await bench.stop();
});

const LONG = { argv: ['x'.repeat(700), `"${'y z '.repeat(60)}"`], purpose: 'w'.repeat(400) };

interface View {
  readonly name: string;
  readonly open: (person: PersonBrowser) => Promise<void>;
}

/** All views, in an order in which one person comes through them. */
function views(number: number): View[] {
  const actions: string[] = [];
  return [
    {
      name: 'enrolment',
      open: async ({ page }) => {
        await page.goto(bench.ledger.links[number] ?? '');
        await page.getByRole('button', { name: 'Make my passkey' }).waitFor();
      },
    },
    {
      name: 'enrolled',
      open: async ({ page }) => {
        await page.getByRole('button', { name: 'Make my passkey' }).click();
        await page.getByRole('heading', { name: 'You are enrolled' }).waitFor();
      },
    },
    {
      name: 'sign-in',
      open: async ({ page }) => {
        await page.goto(bench.ledger.url);
        await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
      },
    },
    {
      name: 'empty inbox',
      open: async (person) => {
        await person.page.route('**/v1/inbox?*', (route) =>
          route.fulfill({ json: { actions: [], cursor: null } }),
        );
        await person.visit(bench.ledger.url);
        await person.page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor();
        await person.page.unrouteAll({ behavior: 'ignoreErrors' });
      },
    },
    {
      name: 'inbox',
      open: async ({ page }) => {
        actions.push(await bench.ledger.request(LONG));
        await page.locator(`a[href="/action/${actions[0] ?? ''}"]`).waitFor();
        await page.getByText('more characters').waitFor();
      },
    },
    {
      name: 'action',
      open: async ({ page }) => {
        await page.goto(bench.addressOf(actions[0] ?? ''));
        await page.getByRole('heading', { name: 'Your decision' }).waitFor();
      },
    },
    {
      name: 'action without a reason',
      open: async ({ page }) => {
        await page.getByRole('button', { name: 'Deny', exact: true }).click();
        await page.getByText('Say why, in a few words.').waitFor();
      },
    },
    {
      name: 'bound and verified',
      open: async (person) => {
        await person.scrollToEnd();
        await person.page.getByLabel('Your reason').fill('v'.repeat(200));
        await person.page.getByRole('button', { name: 'Approve', exact: true }).click();
        await person.page.getByRole('button', { name: 'Verify it here' }).click();
        await person.page.getByRole('heading', { name: 'VALID', exact: true }).waitFor();
        await person.page.getByText('What this page has checked').click();
      },
    },
    {
      name: 'erased',
      open: async ({ page }) => {
        await bench.ledger.erase(actions[0] ?? '');
        await page
          .getByRole('heading', { name: 'The content of this action was erased' })
          .waitFor();
      },
    },
    {
      name: 'denied',
      open: async ({ page }) => {
        actions.push(await bench.ledger.request(LONG));
        await page.goto(bench.addressOf(actions[1] ?? ''));
        await page.getByLabel('Your reason').fill('u'.repeat(200));
        await page.getByRole('button', { name: 'Deny', exact: true }).click();
        await page.getByText('Denied by').waitFor();
      },
    },
    {
      name: 'tampered',
      open: async ({ page }) => {
        await page.route('**/review', (route) => route.fulfill({ json: {} }));
        await page.goto(bench.addressOf(actions[1] ?? ''));
        await page.getByText('ANSWER_FORMAT').waitFor();
        await page.unrouteAll({ behavior: 'ignoreErrors' });
      },
    },
    {
      name: 'another ledger',
      open: async ({ page }) => {
        await page.evaluate(
          (zeros) => {
            const name = 'countersign.trust.v1';
            const pin = JSON.parse(localStorage.getItem(name) ?? '') as object;
            localStorage.setItem(name, JSON.stringify({ ...pin, genesis: zeros }));
          },
          `sha256:${'00'.repeat(32)}`,
        );
        await page.goto(bench.ledger.url);
        await page.getByRole('button', { name: 'Trust this ledger from now on' }).waitFor();
      },
    },
  ];
}

async function walk(
  number: number,
  options: PersonOptions,
  look: (person: PersonBrowser, view: string) => Promise<void>,
): Promise<void> {
  const person = await PersonBrowser.open(bench.browser, options);
  for (const { name, open } of views(number)) {
    await open(person);
    await look(person, name);
  }
  expect(person.faults).toEqual([]);
  await person.close();
}

/** What axe finds, each with its place. */
async function violations({ page }: PersonBrowser): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: tool } = window as unknown as { axe: typeof axe };
    const found = await tool.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary ?? ''}`,
      ),
    );
  });
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it('no view has a fault that axe finds', async () => {
    const found: string[] = [];
    await walk(
      colorScheme === 'light' ? 0 : 1,
      { colorScheme, bypassCSP: true },
      async (person, view) => {
        found.push(...(await violations(person)).map((violation) => `${view}: ${violation}`));
      },
    );
    expect(found).toEqual([]);
  });
});

describe('on a phone of 320 pixels', () => {
  it('no view is wider than the screen', async () => {
    const widths: Record<string, number> = {};
    const viewport = { width: 320, height: 640 };
    await walk(2, { viewport }, async ({ page }, view) => {
      widths[view] = await page.evaluate(() => document.documentElement.scrollWidth);
    });
    expect(Object.keys(widths)).toHaveLength(12);
    expect(Object.values(widths).filter((width) => width > viewport.width)).toEqual([]);
  });
});

describe('under a thumb', () => {
  it('everything that can be pressed is at least 44 pixels high', async () => {
    const small: string[] = [];
    const viewport = { width: 375, height: 812 };
    await walk(3, { viewport }, async ({ page }, view) => {
      const found = await page
        .locator('a:not(.skip), button, summary, textarea, input')
        .evaluateAll((parts) =>
          parts
            .map((part) => ({ text: part.textContent, rect: part.getBoundingClientRect() }))
            .filter(({ rect }) => rect.height < 44 || rect.width < 44)
            .map(({ text, rect }) => `${text} ${rect.width} x ${rect.height}`),
        );
      small.push(...found.map((each) => `${view}: ${each}`));
    });
    expect(small).toEqual([]);
  });
});

describe('with a keyboard alone', () => {
  it('a person enrols, signs in, reads, and approves', async () => {
    const person = await PersonBrowser.open(bench.browser);
    const { page } = person;
    await page.goto(bench.ledger.links[4] ?? '');
    await page.getByRole('button', { name: 'Make my passkey' }).waitFor();
    await tabTo(person, 'Make my passkey');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'You are enrolled' }).waitFor();
    await tabTo(person, 'Sign in and see the open requests');
    const actionId = await bench.ledger.request();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    await tabTo(person, 'Sign in with a passkey');
    await page.keyboard.press('Enter');
    await page.locator(`a[href="/action/${actionId}"]`).waitFor();
    await tabTo(person, actionId);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Your decision' }).waitFor();
    // A page opens at its heading, never on a button.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await tabTo(person, 'rationale');
    await page.keyboard.type('By keyboard.');
    await tabTo(person, 'Approve');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();
    const focused = await page.evaluate(() => document.activeElement?.textContent);
    expect(focused).toContain('Your approval is in the log');
    await person.close();
  });
});

const TABS_MAX = 40;

/** Presses Tab until what has the focus is this. */
async function tabTo({ page }: PersonBrowser, wanted: string): Promise<void> {
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const { activeElement } = document;
      const address = activeElement?.getAttribute('href') ?? '';
      return `${activeElement?.id ?? ''} ${address} ${activeElement?.textContent ?? ''}`;
    });
    if (focused.includes(wanted)) return;
  }
  throw new Error(`expected to reach ${wanted} with the Tab key`);
}
