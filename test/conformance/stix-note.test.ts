import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IncidentFolder } from '../../packages/connectors/src/containment/incident-folder.ts';
import { INCIDENT, notesOf, openIncident } from '../support/incident.ts';
import { pythonEnvironment } from '../support/python-environment.ts';

const STIX = { name: 'stix2', requirement: 'stix2==3.0.2' };
const INSTALL_TIMEOUT_MS = 300_000;

const program = fileURLToPath(new URL('./stix-note/check.py', import.meta.url));
const shortId = 'cs-5H41H6NGY8';

interface Bundle {
  readonly objects: readonly Record<string, unknown>[];
}

let python: string;
let folder: string;
let bundle: Bundle;

beforeAll(async () => {
  const bin = pythonEnvironment(STIX);
  if (bin === undefined) {
    throw new Error(`expected Python 3 with venv, and ${STIX.requirement}`);
  }
  python = join(bin, 'python');
  folder = await mkdtemp(join(tmpdir(), 'stix-note-'));
  await openIncident(folder);
  const evidence = [
    { source: 'edr', ref: 'detection:ldt:9981', digest: `sha256:${'ab'.repeat(32)}` as const },
  ];
  const params = { incident: INCIDENT, action: 'isolate-host' as const, target: {}, evidence };
  const useId = '01M83G8PGDVFCDVZ5H41H6NGY8';
  const use = { useId, shortId, params, preconditions: {}, idempotencyKey: 'ab'.repeat(32) };
  const effect = { result: 'succeeded', targetRef: 'netns:plant' } as const;
  await new IncidentFolder(folder).addNote(use, effect);
  const notes = await notesOf(folder);
  bundle = JSON.parse(notes[`${shortId}.stix.json`] ?? '') as Bundle;
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function checked(json: unknown): Promise<{ status: number | null; text: string }> {
  const path = join(folder, 'checked.json');
  await writeFile(path, JSON.stringify(json));
  const { status, stdout, stderr } = spawnSync(python, ['-B', program, path], { encoding: 'utf8' });
  return { status, text: `${stdout}${stderr}` };
}

/** The bundle with another note. */
function withNote(change: Record<string, unknown>): Bundle {
  const objects = bundle.objects.map((object) =>
    object['type'] === 'note' ? { ...object, ...change } : object,
  );
  return { ...bundle, objects };
}

describe('the note in an incident', () => {
  it('is STIX 2.1 for the library of OASIS, which takes nothing that is not in it', async () => {
    expect(bundle.objects.map(({ type }) => type)).toEqual(['incident', 'note']);
    expect(await checked(bundle)).toEqual({ status: 0, text: '' });
  });

  it.each([
    ['about nothing', { object_refs: undefined }],
    ['with an id of another type', { id: 'report--5f2a2f3e-0c7e-4b61-9a51-d6f7c2a1b3c4' }],
    ['at no time', { created: 'yesterday' }],
    ['that names no source', { external_references: [{ external_id: shortId }] }],
    ['with a member of our own', { short_id: shortId }],
  ])('is not when it is a note %s', async (_, change) => {
    expect((await checked(withNote(change))).status).toBe(1);
  });
});
