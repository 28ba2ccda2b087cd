import { createHash } from 'node:crypto';
import type { BrokenGlass } from '@countersign/binding';
import { formatTimestamp, toBase64 } from '@countersign/canonical';
import { verifySignature } from '@countersign/crypto-node';
import {
  formatEnvelope,
  formatStatement,
  signedBytes,
  type PeriodLog,
  type ReportScope,
} from '@countersign/report';
import { checkDelegationTokens, createVerifier, type Level, type Trust } from '@countersign/verify';
import { EXIT } from './cli-error.ts';
import { csvHeader, csvRow } from './report-csv.ts';
import { ReportFolder, type GrowingFile } from './report-folder.ts';
import { reportBottom, reportSection, reportTop } from './report-html.ts';
import { readPeriod } from './report-log.ts';
import { provenRow, type ProofOptions, type ProvenRow } from './report-proof.ts';
import { proofWords, type ReportRow } from './report-row.ts';
import type { ReportSource } from './report-source.ts';
import type { StatementKey } from './statement-key.ts';

export interface ReportOrder {
  readonly scope: ReportScope;
  readonly trust: Trust;
  /** As it was read. */
  readonly trustFile: Uint8Array;
  readonly level: Level;
  readonly allowDemo: boolean;
  readonly out: string;
  readonly key: StatementKey | undefined;
  readonly version: string;
  readonly nowMs: number;
}

export interface ReportDone {
  readonly path: string;
  readonly actions: number;
  /** How many rows have which proof. */
  readonly proofs: ReadonlyMap<string, number>;
  /** What ran as BREAK-GLASS and nobody has reviewed: with any of these the report fails. */
  readonly unreviewed: readonly BrokenGlass[];
  readonly exitCode: number;
}

/**
 * Writes a report: what the log tells of a period, each binding with its evidence, verified here.
 *
 * @throws CliError the codes of readPeriod, of the source, and FILE_EXISTS
 */
export async function writeReport(order: ReportOrder, source: ReportSource): Promise<ReportDone> {
  const { scope, trust, out } = order;
  const folder = await ReportFolder.create(out, ['evidence', 'statements']);
  try {
    const period = await readPeriod(source.entries(), scope, { trust, head: source.head });
    const proofs = await new ReportWriting(order, source, folder).write(period);
    await folder.finish();
    const { unreviewed } = period;
    const exitCode = unreviewed.length > 0 ? EXIT.refused : exitOf([...proofs.keys()]);
    return { path: folder.path, actions: period.cases.length, proofs, unreviewed, exitCode };
  } catch (error) {
    await folder.discard();
    throw error;
  }
}

function exitOf(proofs: readonly string[]): number {
  if (proofs.some((words) => words.startsWith('REFUSED'))) return EXIT.refused;
  return proofs.some((words) => words.startsWith('INDETERMINATE')) ? EXIT.indeterminate : EXIT.ok;
}

const ROWS = 'rows.part';

/** One row at a time: what is held of a period is what the log told of it. */
class ReportWriting {
  readonly #order: ReportOrder;
  readonly #source: ReportSource;
  readonly #folder: ReportFolder;
  readonly #proofs = new Map<string, number>();
  readonly #options: ProofOptions;
  readonly #trustSha256: string;

  constructor(order: ReportOrder, source: ReportSource, folder: ReportFolder) {
    const { trust, level, allowDemo } = order;
    this.#order = order;
    this.#source = source;
    this.#folder = folder;
    const parts = { trust, verifySignature, delegationCheck: checkDelegationTokens };
    this.#options = { verifier: createVerifier(parts), level, allowDemo };
    this.#trustSha256 = createHash('sha256').update(order.trustFile).digest('hex');
  }

  async write(period: PeriodLog): Promise<ReadonlyMap<string, number>> {
    const csv = await this.#folder.grow('actions.csv');
    const rows = await this.#folder.grow(ROWS);
    await csv.append(csvHeader());
    for (const action of period.cases) {
      const proven = await provenRow(action, this.#source, this.#options);
      const row = await this.#withFiles(proven);
      await csv.append(csvRow(row));
      await rows.append(reportSection(row));
      this.#count(proofWords(row.proof));
    }
    await this.#folder.close('actions.csv', csv);
    await rows.close();
    await this.#page(period);
    return this.#proofs;
  }

  #count(words: string): void {
    this.#proofs.set(words, (this.#proofs.get(words) ?? 0) + 1);
  }

  async #page(period: PeriodLog): Promise<void> {
    const { trust, scope, version, level, key, nowMs } = this.#order;
    const { size, root } = this.#source.head;
    const page: GrowingFile = await this.#folder.grow('report.html');
    const head = reportTop({
      origin: trust.origin,
      genesis: trust.genesis,
      size,
      root: toBase64(root),
      scope,
      madeAt: formatTimestamp(nowMs),
      version,
      trustSha256: this.#trustSha256,
      level,
      totals: period.totals,
      persons: period.persons,
      proofs: this.#proofs,
      unreviewed: period.unreviewed,
      signedBy: key?.keyId,
    });
    await page.append(head);
    await this.#folder.moveInto(page, ROWS);
    await page.append(reportBottom());
    await this.#folder.close('report.html', page);
  }

  /** The evidence is written as it came, also where it does not verify: it is evidence of that. */
  async #withFiles(row: ProvenRow): Promise<ReportRow> {
    const { action, evidence } = row;
    if (action.binding === undefined) {
      return { ...row, evidenceFile: undefined, statementFile: undefined };
    }
    const name = `evidence/${action.actionId}.json`;
    const sha256 = evidence === undefined ? undefined : await this.#folder.write(name, evidence);
    const statement = this.#statement(row, sha256 === undefined ? undefined : { name, sha256 });
    const evidenceFile = sha256 === undefined ? undefined : name;
    return { ...row, evidenceFile, statementFile: await this.#writeStatement(action, statement) };
  }

  async #writeStatement({ actionId }: ProvenRow['action'], statement: Uint8Array): Promise<string> {
    const { key } = this.#order;
    const name = `statements/${actionId}.${key === undefined ? 'unsigned' : 'dsse'}.json`;
    if (key === undefined) await this.#folder.write(name, statement);
    else {
      const { keyId } = key;
      const signature = key.sign(signedBytes(statement));
      await this.#folder.write(name, formatEnvelope(statement, { keyId, signature }));
    }
    return name;
  }

  #statement(
    { action, proof, facts }: ProvenRow,
    evidence: { readonly name: string; readonly sha256: string } | undefined,
  ): Uint8Array {
    const { trust, level, version, nowMs } = this.#order;
    const { binding } = action;
    if (binding === undefined || proof.kind !== 'evidence') {
      throw new Error('invariant broken: a statement about what was not bound');
    }
    return formatStatement({
      actionId: action.actionId,
      actionDigest: action.actionDigest,
      origin: trust.origin,
      genesis: trust.genesis,
      binding,
      boundAt: action.endedAt ?? '',
      evidence,
      trustSha256: this.#trustSha256,
      outcome: proof.outcome,
      code: proof.outcome === 'VALID' ? undefined : proof.code,
      level,
      approvals: (facts?.approvals ?? []).map(
        ({ person, for: principal, proof_class: proofClass }) => ({
          person,
          principal,
          proofClass,
        }),
      ),
      verifiedAt: formatTimestamp(nowMs),
      verifier: `countersign ${version}`,
    });
  }
}
