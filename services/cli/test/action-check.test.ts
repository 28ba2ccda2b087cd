import { canonicalText, type Json, type JsonObject } from '@countersign/canonical';
import { describe, expect, it } from 'vitest';
import { checkAction } from '../src/action-check.ts';
import { CliError } from '../src/cli-error.ts';
import { EXEC_INTERFACE_DIGEST } from '../src/exec-interface.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const SECRET = 'hunter2';

function command(changed: JsonObject = {}, params: JsonObject = {}): JsonObject {
  return {
    v: 'countersign.action.v1',
    tenant: 'default',
    action_id: '01JD3ZQ5Y0W9V8X7T6S5R4Q3P2',
    nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    type: 'generic.command',
    type_version: 1,
    agent: { id: 'local-agent', key_thumbprint: DIGEST },
    acting_for: [],
    executor: { id: 'local-exec', audience: 'local', descriptor_digest: EXEC_INTERFACE_DIGEST },
    params: {
      argv: ['/bin/true'],
      cwd: '/',
      executable: { path: '/bin/true', digest: DIGEST },
      env: [],
      secret_env: [],
      stdin: { kind: 'empty' },
      timeout_s: 60,
      ...params,
    },
    preconditions: [],
    not_after: '2026-01-31T12:00:00.000Z',
    max_uses: 1,
    ...changed,
  };
}

function refusal(action: Json): string {
  try {
    checkAction(canonicalText(action));
  } catch (error) {
    if (error instanceof CliError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'NOT REFUSED';
}

describe('an action is checked before the ledger is asked', () => {
  it('and passes when it is whole', () => {
    expect(refusal(command())).toBe('NOT REFUSED');
  });

  it.each<[string, JsonObject]>([
    [
      'SCHEMA_INVALID /params/argv: expected an array, got a text of 7 characters',
      { argv: SECRET },
    ],
    ['SCHEMA_INVALID /params/stdin: expected an object, got null', { stdin: null }],
    [
      'SCHEMA_INVALID /params/timeout_s: expected an integer 1 to 86400, got a number',
      { timeout_s: 0 },
    ],
    [
      'SCHEMA_INVALID /params/executable/digest: expected the format sha256, got a text of 7 characters',
      { executable: { path: '/bin/true', digest: SECRET } },
    ],
    ['UNKNOWN_MEMBER /params: expected known members only, got "shell"', { shell: SECRET }],
  ])('%s', (said, params) => {
    expect(refusal(command({}, params))).toBe(said);
  });

  it('names the place of what is missing, in the order of the schema', () => {
    const { executor, ...without } = command();
    expect(executor).toBeDefined();
    expect(refusal(without)).toBe('SCHEMA_INVALID /executor: expected this member, got nothing');
  });

  it('lists the types that there are', () => {
    const said = refusal(command({ type: 'generic.comand' }));
    expect(said).toMatch(/^UNKNOWN_TYPE \/type: expected one of .*generic\.command \(version 1\)/);
    expect(said).toContain('iam.policy.change (version 1)');
    expect(refusal(command({ type_version: 2 }))).toMatch(/^UNKNOWN_TYPE /);
  });

  it('keeps the executor of commands to commands, as this program runs them', () => {
    const executor = { id: 'local-exec', audience: 'local', descriptor_digest: DIGEST };
    expect(refusal(command({ executor }))).toMatch(
      /^EXECUTOR_DESCRIPTOR_MISMATCH \/executor\/descriptor_digest: expected sha256:/,
    );
    const change = {
      type: 'authority.change',
      params: { change: { kind: 'agent-revoked', id: 'bot' } },
    };
    expect(refusal(command(change))).toMatch(/^EXECUTOR_MISMATCH \/executor\/id: expected /);
  });
});
