import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const INCIDENT = { system: 'siem', id: 'INC-2026-118', severity: 'high' };

/** With what an agent claims of its target. */
export function containmentAsked(params: { readonly target: object }): object {
  const { target } = params;
  const claims = { owner: 'Finance IT', criticality: 'business' };
  return {
    ...params,
    target: { ...target, ...claims },
    impact: { sessions_cut: 14, services: ['erp-print'] },
  };
}

const AT = '2026-11-22T16:00:00.000Z';

/** One open incident in a folder of incidents. */
export async function openIncident(
  folder: string,
  name = 'Stolen session on HAM-ERP-02',
): Promise<void> {
  await mkdir(join(folder, INCIDENT.id), { recursive: true });
  const incident = {
    type: 'incident',
    spec_version: '2.1',
    id: 'incident--5f2a2f3e-0c7e-4b61-9a51-d6f7c2a1b3c4',
    created: AT,
    modified: AT,
    name,
  };
  await writeFile(join(folder, INCIDENT.id, 'incident.json'), JSON.stringify(incident));
}

/** The texts of all that was added to it, by the name of the file. */
export async function notesOf(folder: string): Promise<Record<string, string>> {
  const at = join(folder, INCIDENT.id);
  const names = (await readdir(at)).filter((name) => name !== 'incident.json');
  const texts = names.map(async (name) => [name, await readFile(join(at, name), 'utf8')]);
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
}
