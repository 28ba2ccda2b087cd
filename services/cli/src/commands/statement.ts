import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { inPlaceWords } from '@countersign/console';
import { verifySignature } from '@countersign/crypto-node';
import {
  ReportError,
  openEnvelope,
  parseStatement,
  type VerificationStatement,
} from '@countersign/report';
import type { Command } from 'commander';
import { CliError, EXIT } from '../cli-error.ts';
import type { CommandParts } from '../command-parts.ts';
import type { CliContext } from '../context.ts';
import { readGivenFile } from '../ledger-access.ts';
import { readEnvelopeKey } from '../statement-key.ts';

interface StatementOptions {
  readonly key: string;
  readonly evidence?: string;
  readonly json?: true;
}

export function addStatement(program: Command, { context, end }: CommandParts): void {
  program
    .command('statement')
    .description('check who signed a statement of a report, and what they say in it')
    .argument('<file>', 'a signed statement: statements/….dsse.json of a report')
    .requiredOption('--key <file>', 'public key (PEM) of whoever should have signed it')
    .option('--evidence <file>', 'evidence that it should be about')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
A statement is somebody's word. What it is about is verified with \`countersign verify\`.

Example:
  $ countersign statement statements/01JD3ZQ5Y0W9V8X7T6S5R4Q3P2.dsse.json --key auditor.pub`,
    )
    .action(async (file: string, options: StatementOptions) => {
      const { statement, keyId } = await opened(file, options, context);
      if (options.json === true) context.stdout.json({ key: keyId, ...statement });
      else context.stdout.lines(...linesOf(statement, keyId));
      end(EXIT.ok);
    });
}

async function opened(
  file: string,
  options: StatementOptions,
  context: CliContext,
): Promise<{ readonly statement: VerificationStatement; readonly keyId: string }> {
  const key = await readEnvelopeKey(resolve(context.cwd, options.key));
  const bytes = await readGivenFile(resolve(context.cwd, file), 'statement');
  const statement = await refusing(async () =>
    parseStatement(await openEnvelope(bytes, key, verifySignature)),
  );
  if (options.evidence !== undefined) {
    const evidence = await readGivenFile(resolve(context.cwd, options.evidence), 'evidence file');
    const sha256 = createHash('sha256').update(evidence).digest('hex');
    if (statement.evidence?.sha256 !== sha256) {
      throw new CliError('STATEMENT_OTHER_EVIDENCE', 'expected a statement about this evidence');
    }
  }
  return { statement, keyId: key.keyId };
}

async function refusing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ReportError)) throw error;
    throw new CliError(error.code, error.message, { cause: error });
  }
}

function linesOf(statement: VerificationStatement, keyId: string): string[] {
  const { outcome, code = '', level, evidence } = statement;
  return [
    `signed by     sha256:${keyId}`,
    `ledger        ${statement.origin}, genesis ${statement.genesis}`,
    `action        ${statement.actionId}`,
    `digest        ${statement.actionDigest}`,
    `bound         ${statement.boundAt}, entry ${statement.binding.index}`,
    ...statement.approvals.map(
      ({ person, principal, proofClass }) =>
        `approved by   ${person}${inPlaceWords(principal)} (${proofClass})`,
    ),
    `evidence      ${evidence === undefined ? 'none' : `${evidence.name}, sha256 ${evidence.sha256}`}`,
    `trust file    sha256 ${statement.trustSha256}`,
    `they say      ${outcome} ${code}`.trimEnd() + ` at level ${level}, at ${statement.verifiedAt}`,
  ];
}
