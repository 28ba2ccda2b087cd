import { createVerifier, type Outcome } from '@countersign/verify';
import { getBytes } from './api.ts';
import { exact, h, onPress, paragraph, section } from './element.ts';
import type { LedgerPin } from './ledger-pin.ts';
import { failureNotice, isTellable, notice } from './notice.ts';
import { verifySignature } from './web-crypto.ts';

/** Lets anybody who is signed in verify a binding here, with the code that auditors use. */
export function evidenceView(actionId: string, pin: LedgerPin): HTMLElement {
  const result = h('div');
  const path = `/v1/actions/${actionId}/evidence`;
  const button = h('button', { type: 'button' }, 'Verify it here');
  onPress(button, () => {
    void verified(path, pin).then((told) => {
      result.replaceChildren(told);
      told.focus();
    });
  });
  return section(
    'Evidence',
    { class: 'card' },
    paragraph(
      'Who approved this, for exactly what, and that it is in the log: all in one file that anybody can verify without this server.',
    ),
    h(
      'div',
      { class: 'buttons' },
      button,
      h('a', { class: 'button', href: path, download: `evidence-${actionId}.json` }, 'Download it'),
    ),
    result,
  );
}

async function verified(path: string, pin: LedgerPin): Promise<HTMLElement> {
  try {
    const verifier = createVerifier({ trust: pin.trust, verifySignature });
    return outcomeNotice(await verifier.verifyFile(await getBytes(path), { level: 'human' }));
  } catch (error) {
    if (!isTellable(error)) throw error;
    return failureNotice(error, 'It could not be verified');
  }
}

function outcomeNotice({ outcome, code, level, steps }: Outcome): HTMLElement {
  return notice(
    outcome === 'VALID' ? 'good' : 'alarm',
    code === undefined ? outcome : `${outcome}: ${code}`,
    paragraph(
      `Verified in this page up to level ${level}, against the ledger that this browser pinned on its first visit.`,
    ),
    h(
      'dl',
      { class: 'lines steps' },
      ...steps.map(({ name, result, detail }) =>
        h('div', { class: 'row' }, h('dt', {}, `${name}: ${result}`), h('dd', {}, exact(detail))),
      ),
    ),
  );
}
