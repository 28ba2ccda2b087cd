import type { BrokenGlass } from '@countersign/binding';
import { shownWords, standingWords } from '@countersign/console';
import type { DisplayLine } from '@countersign/descriptors';
import type { DecideTimes, PeriodTotals, PersonFigures, ReportScope } from '@countersign/report';
import { unreviewedWords } from './break-glass-words.ts';
import { duration } from './duration.ts';
import { html, type Html } from './html.ts';
import { REPORT_STYLE } from './report-style.ts';
import { notShownWords, proofWords, type ReportRow } from './report-row.ts';

/** What a report says before its rows. */
export interface ReportHead {
  readonly origin: string;
  readonly genesis: string;
  readonly size: number;
  readonly root: string;
  readonly scope: ReportScope;
  readonly madeAt: string;
  readonly version: string;
  readonly trustSha256: string;
  readonly level: string;
  readonly totals: PeriodTotals;
  readonly persons: readonly PersonFigures[];
  /** How many rows have which proof. */
  readonly proofs: ReadonlyMap<string, number>;
  readonly unreviewed: readonly BrokenGlass[];
  /** Of the key that has signed the statements; undefined where they are unsigned. */
  readonly signedBy: string | undefined;
}

/** Up to the rows. One file, no script: the policy of the page lets none run, whatever it held. */
export function reportTop(head: ReportHead): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <meta name="referrer" content="no-referrer" />
        <title>Countersign report: ${head.origin}</title>
        ${REPORT_STYLE}
      </head>
      <body>
        <h1>Actions and who decided them</h1>
        ${failedPart(head)}
        <dl>
          ${term('Ledger', head.origin)} ${term('Genesis', head.genesis)}
          ${term('Report of', scopeWords(head.scope))}
          ${term('Log', `${head.size} entries, under the signed root ${head.root}`)}
          ${term('Made', `${head.madeAt}, by countersign ${head.version}, at level ${head.level}`)}
          ${term('Trust file', `sha256 ${head.trustSha256}`)}
          ${term('Statements', statementWords(head))}
        </dl>
        ${proofsTable(head)} ${figures(head)} ${howTo(head)}
        <h2>The actions</h2>
        ${head.proofs.size === 0 ? html`<p class="empty">There is no action in this period.</p>` : undefined}
      </body>
    </html> `.text;
}

export function reportBottom(): string {
  return html`<p class="end">End of the report.</p>
</body>
</html>
`.text;
}

/** Before everything else: nobody is to read on as if nothing were. */
function failedPart({ unreviewed }: ReportHead): Html | undefined {
  if (unreviewed.length === 0) return undefined;
  return html`<p class="proof refused">THIS REPORT FAILS: BREAK-GLASS without a review</p>
    <ul>
      ${unreviewed.map((each) => html`<li>${unreviewedWords(each)}</li> `)}
    </ul> `;
}

function term(name: string, value: string): Html {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

function scopeWords({ from, to, actionId }: ReportScope): string {
  const action = actionId === undefined ? [] : [`action ${actionId}`];
  const start = from === undefined ? [] : [`from ${from}`];
  const end = to === undefined ? [] : [`before ${to}`];
  const parts = [...action, ...start, ...end];
  return parts.length === 0 ? 'everything in the log' : parts.join(', ');
}

function statementWords({ signedBy }: ReportHead): string {
  return signedBy === undefined
    ? 'unsigned: nobody vouches for them; verify the evidence itself'
    : `signed by the key sha256:${signedBy}; whose key that is, they do not say`;
}

function proofsTable({ proofs }: ReportHead): Html {
  const rows = [...proofs].map(
    ([words, count]) =>
      html`<tr>
        <td class="${classOf(words)}">${words}</td>
        <td>${count}</td>
      </tr> `,
  );
  return html`<h2>What was verified</h2>
    <table>
      <tr>
        <th>Proof</th>
        <th>Actions</th>
      </tr>
      ${rows}
    </table>
    <p>
      VALID: the evidence file was verified when this report was made, with the trust file named
      above. REFUSED and INDETERMINATE: it was not shown, for the reason of that code. LOGGED: the
      action was not bound, so there is no evidence; its entries stand in the log under the signed
      root. That a person signed a denial is not verified here.
    </p> `;
}

function figures({ totals, persons }: ReportHead): Html {
  const { asked, refused, daysAsked, mostAskedInADay, mostAskedOn } = totals;
  const busiest = asked === 0 ? '' : `, at most ${mostAskedInADay} a day (${mostAskedOn})`;
  return html`<h2>How people decided</h2>
    <p>
      Requests that waited for people: ${asked}, on how many days: ${daysAsked}${busiest}. Requests
      that were refused before anybody saw them: ${refused}.
    </p>
    <table>
      <tr>
        <th>Person</th>
        <th>Approved</th>
        <th>Denied</th>
        <th>Taken back</th>
        <th>Denial rate</th>
        <th>Half within</th>
        <th>90 % within</th>
        <th>Shortest</th>
        <th>Longest</th>
        <th>Under 10 s</th>
        <th>Days</th>
        <th>Most in a day</th>
        <th>Most in an hour</th>
      </tr>
      ${persons.map(personRow)}
    </table>
    <p>
      Time to decide runs from the admission to the decision, by the clock of the ledger; days and
      hours are those of UTC. Who looked at a request without deciding is in no log.
    </p> `;
}

function personRow(of: PersonFigures): Html {
  const { times, denialRate } = of;
  const rate = denialRate === undefined ? '–' : `${Math.round(denialRate * 1_000) / 10} %`;
  const most = `${of.mostInADay} (${of.mostOn})`;
  const busiest = `${of.busiestHour.decisions} (${of.busiestHour.hour})`;
  return html`<tr>
    <td>${of.person}</td>
    <td>${of.approved}</td>
    <td>${of.denied}</td>
    <td>${of.takenBack}</td>
    <td>${rate}</td>
    ${timeCells(times)}
    <td>${of.days}</td>
    <td>${most}</td>
    <td>${busiest}</td>
  </tr> `;
}

function timeCells(times: DecideTimes | undefined): Html {
  if (times === undefined)
    return html`<td>–</td>
      <td>–</td>
      <td>–</td>
      <td>–</td>
      <td>–</td>`;
  const { medianMs, p90Ms, shortestMs, longestMs, quick } = times;
  return html`<td>${duration(medianMs)}</td>
    <td>${duration(p90Ms)}</td>
    <td>${duration(shortestMs)}</td>
    <td>${duration(longestMs)}</td>
    <td>${quick}</td>`;
}

function howTo({ level }: ReportHead): Html {
  return html`<h2>How to verify this without us</h2>
    <p>
      This page proves nothing. The files beside it do, with a trust file that you got from the
      people who founded the ledger, and not with this report:
    </p>
    <pre>
sha256sum -c SHA256SUMS
countersign verify evidence/ACTION.json --trust trust.json --level ${level}
go-verifier evidence/ACTION.json trust.json --level ${level}
countersign report --log LOG --evidence evidence --trust trust.json --out again</pre>
    <p>
      The second verifier is written in Go from the published formats, and shares no code with the
      first. The last line makes this report again out of an exported log (countersign log export),
      which shows also that no action of the period was left out.
    </p> `;
}

/** One action. */
export function reportSection(row: ReportRow): string {
  const { action, proof } = row;
  const words = proofWords(proof);
  const title = row.shown?.title ?? action.actionType;
  return html`<section>
    <h3>
      ${action.endedAt ?? action.askedAt}
      <span class="result">${action.end ?? 'open'}</span> ${title}
    </h3>
    <p class="proof ${classOf(words)}">${words}</p>
    <dl>
      ${term('Action', `${action.actionId} (${action.actionType})`)}
      ${term('Digest', action.actionDigest)}
      ${term('Asked', `by the agent ${action.agent}, whose owner is ${action.owner}, at ${action.askedAt}`)}
      ${term('In the log', placeWords(row))}
      ${action.decisions.map((decision) => decisionTerm(decision, row))}${endTerm(row)}
      ${term('Executor', executorWords(row))}
      ${action.revokedAt === undefined ? undefined : term('Taken back', action.revokedAt)}
    </dl>
    ${shownPart(row)}${verifyPart(row)}
  </section> `.text;
}

function placeWords({ action: { admission, binding } }: ReportRow): string {
  const bound = binding === undefined ? '' : `, binding ${binding.index} (${binding.leaf})`;
  return `admission ${admission.index} (${admission.leaf})${bound}`;
}

function decisionTerm(
  decision: ReportRow['action']['decisions'][number],
  { rationales }: ReportRow,
): Html {
  const { verdict, person, proofClass, at, index, claimedDwellMs } = decision;
  const who = `${person}${standingWords(decision)} (${proofClass})`;
  const why = rationales.get(index);
  const said = why === undefined ? undefined : html`<blockquote>${why}</blockquote>`;
  return html`<dt>${VERDICT_WORDS[verdict]}</dt>
    <dd>${who} at ${at}, entry ${index}${shownWords(claimedDwellMs)}${said}</dd> `;
}

const VERDICT_WORDS = { approve: 'Approved', deny: 'Denied', revoke: 'Taken back' } as const;

function endTerm({ action: { end, endedAt, decideBy } }: ReportRow): Html {
  if (end === undefined) return term('Open', `to be decided by ${decideBy}`);
  if (end === 'expired') return term('Expired', `nobody decided by ${decideBy}`);
  return term('Ended', `${end} at ${endedAt ?? ''}`);
}

function executorWords({ action: { executor, uses, result } }: ReportRow): string {
  const last = result === undefined ? '' : `, last reported as ${result}`;
  return `${executor}, ${uses} uses in the log${last}`;
}

function shownPart(row: ReportRow): Html {
  const { shown } = row;
  if (shown === undefined) return html`<p class="notice">${notShownWords(row)}</p> `;
  return html`<h4>What was asked for, rendered from the action</h4>
    ${shown.warnings.map((warning) => html`<p class="warning">${warning}</p> `)}
    <dl class="lines">${shown.lines.map(lineTerm)}</dl>
    ${
      shown.claims.length === 0
        ? undefined
        : html`<div class="claims">
            <h4>The agent’s own words, checked by nobody</h4>
            <dl class="lines">${shown.claims.map(lineTerm)}</dl>
          </div> `
    }`;
}

/** In words: a report is also printed without colours. */
const MARK_WORDS = { warning: ' (warning)', added: ' (added)', removed: ' (removed)', code: '' };

function lineTerm({ label, value, mark }: DisplayLine): Html {
  return html`<dt>${label}${mark === undefined ? '' : MARK_WORDS[mark]}</dt>
    <dd>${value}</dd> `;
}

function verifyPart({ evidenceFile, statementFile, proof }: ReportRow): Html | undefined {
  if (evidenceFile === undefined || proof.kind === 'logged') return undefined;
  const statement = statementFile === undefined ? undefined : html` # statement: ${statementFile}`;
  return html`<pre>
countersign verify ${evidenceFile} --trust trust.json --level ${proof.level}${statement}</pre> `;
}

function classOf(words: string): string {
  return words.split(' ')[0]?.toLowerCase() ?? '';
}
