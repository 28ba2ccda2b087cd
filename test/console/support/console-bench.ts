import type { Browser } from 'playwright-core';
import { BuiltPage } from './built-page.ts';
import { LiveLedger, type LiveLedgerOptions } from './live-ledger.ts';
import { launchBrowser, PersonBrowser, type PersonOptions } from './person-browser.ts';

/** A browser, the page, and a ledger behind it. */
export class ConsoleBench {
  readonly browser: Browser;
  readonly page: BuiltPage;
  readonly ledger: LiveLedger;

  private constructor(parts: { browser: Browser; page: BuiltPage; ledger: LiveLedger }) {
    this.browser = parts.browser;
    this.page = parts.page;
    this.ledger = parts.ledger;
  }

  static async start(options: Omit<LiveLedgerOptions, 'pageFolder'> = {}): Promise<ConsoleBench> {
    const page = await BuiltPage.make();
    const ledger = await LiveLedger.start({ ...options, pageFolder: page.folder });
    return new ConsoleBench({ browser: await launchBrowser(), page, ledger });
  }

  /** The person with this number, enrolled and signed in. */
  async enrolled(number = 0, options: PersonOptions = {}): Promise<PersonBrowser> {
    const person = await PersonBrowser.open(this.browser, options);
    await person.enrol(this.ledger.links[number] ?? '');
    await person.visit(this.ledger.url);
    return person;
  }

  /** Where a person sees this action. */
  addressOf(actionId: string): string {
    return `${this.ledger.url}/action/${actionId}`;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.ledger.close();
    await this.page.remove();
  }
}
