import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

let bench: ConsoleBench;
let person: PersonBrowser;
let address: string;

beforeAll(async () => {
  bench = await ConsoleBench.start();
  person = await bench.enrolled();
  address = bench.addressOf(await bench.ledger.request());
});

afterAll(async () => {
  await bench.stop();
});

/** A page that lays ours under its own. */
async function openInFrame(): Promise<void> {
  const host = `${bench.ledger.url}/host-of-a-frame`;
  await person.page.route(host, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>host</title><iframe src="${address}" width="900" height="700"></iframe>`,
    }),
  );
  await person.page.goto(host);
}

describe('in a frame (E11)', () => {
  it('is not shown at all, because the server forbids it', async () => {
    const { headers } = await fetch(address);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    await openInFrame();
    const frame = person.page.frames()[1];
    await frame?.waitForLoadState();
    expect(frame?.url()).toMatch(/^chrome-error:/);
    expect(await frame?.locator('#main').count()).toBe(0);
  });

  it('refuses to act by itself, where a server forgets to forbid it', async () => {
    await person.page.route(address, async (route) => {
      const response = await route.fetch();
      const headers = response.headers();
      delete headers['content-security-policy'];
      delete headers['x-frame-options'];
      await route.fulfill({ response, headers });
    });
    // The inbox that stood open before has looked at what is new, too.
    person.requests.length = 0;
    await openInFrame();
    const frame = person.page.frameLocator('iframe');
    await frame
      .getByRole('heading', { name: 'This page does not work inside another page' })
      .waitFor();
    expect(await frame.getByRole('button').count()).toBe(0);
    expect(person.requests.filter((url) => url.endsWith('/review'))).toEqual([]);
  });
});

describe('the page itself', () => {
  it('holds nothing inline, and nothing from elsewhere', async () => {
    const html = await (await fetch(`${bench.ledger.url}/`)).text();
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc="\/assets\/)/);
    expect(html).not.toMatch(/(src|href)="(?!\/|#)/);
    for (const name of ['app.js', 'app.css', 'icon.svg']) {
      const response = await fetch(`${bench.ledger.url}/assets/${name}`);
      expect(response.status).toBe(200);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('has no way to turn text into markup or code', async () => {
    const script = await (await fetch(`${bench.ledger.url}/assets/app.js`)).text();
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(/,
    );
    const html = await (await fetch(`${bench.ledger.url}/`)).text();
    expect(html).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
    await person.page.goto(bench.ledger.url);
    const refusal = await person.page.evaluate(() => {
      try {
        document.createElement('div').innerHTML = '<b>x</b>';
        return 'taken';
      } catch (error) {
        return error instanceof TypeError ? 'refused' : 'other';
      }
    });
    expect(refusal).toBe('refused');
  });
});
