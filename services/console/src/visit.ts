import type { Signer } from './decision.ts';
import type { LedgerFacts, LedgerPin } from './ledger-pin.ts';

/** One load of the page: where it draws, and which ledger it is held to. */
export interface Visit {
  readonly main: HTMLElement;
  readonly ledger: LedgerFacts;
  readonly rpId: string;
  readonly pin: LedgerPin;
}

/** A visit by a person who has signed in. */
export interface SignedInVisit extends Visit {
  readonly signer: Signer;
}

/** Shows a view and moves the reader to its start. */
export function show(main: HTMLElement, title: string, ...children: readonly Node[]): void {
  entitle(title);
  main.replaceChildren(...children);
  // The heading, and not a button, is what has the focus when a page opens.
  const heading = main.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}

/** What a tab is called, so that it is told from others. Never with words of somebody else. */
export function entitle(title: string): void {
  document.title = `${title} · Countersign`;
}

/** Tells readers of the screen what has changed, without taking them from where they are. */
export function announce(text: string): void {
  document.getElementById('announcements')?.replaceChildren(text);
}
