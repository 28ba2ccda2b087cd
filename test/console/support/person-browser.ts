import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Debian's Chromium, headless, talking to nobody by itself. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface PersonOptions {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { readonly width: number; readonly height: number };
  /** For tools that write into the page what its policy forbids. */
  readonly bypassCSP?: boolean;
}

/** A person with a browser of their own, and an authenticator that unlocks whenever it is asked. */
export class PersonBrowser {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses of all requests so far. */
  readonly requests: string[] = [];
  /** Errors that the page did not catch, and what its policy had to stop. */
  readonly faults: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on('request', (request) => {
      this.requests.push(request.url());
    });
    page.on('pageerror', (error) => {
      this.faults.push(error.message);
    });
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) this.faults.push(message.text());
    });
  }

  static async open(browser: Browser, options: PersonOptions = {}): Promise<PersonBrowser> {
    const context = await browser.newContext({
      viewport: options.viewport ?? { width: 1100, height: 800 },
      colorScheme: options.colorScheme ?? 'light',
      reducedMotion: 'reduce',
      bypassCSP: options.bypassCSP ?? false,
    });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('WebAuthn.enable');
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new PersonBrowser(context, page);
  }

  /** Follows an enrolment link to its end. */
  async enrol(link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByRole('button', { name: 'Make my passkey' }).click();
    await this.page.getByRole('heading', { name: 'You are enrolled' }).waitFor();
  }

  /** Opens a page, and signs in if it asks. */
  async visit(url: string): Promise<void> {
    await this.page.goto(url);
    const signIn = this.page.getByRole('button', { name: 'Sign in with a passkey' });
    const signOut = this.page.getByRole('button', { name: 'Sign out' });
    await signIn.or(signOut).first().waitFor();
    if (await signIn.isVisible()) await signIn.click();
    await signOut.waitFor();
  }

  async scrollToEnd(): Promise<void> {
    await this.page.getByRole('heading', { name: 'Your decision' }).scrollIntoViewIfNeeded();
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
