import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatTimestamp,
  isJsonObject,
  parseStrict,
  type Digest,
  type Json,
  type JsonObject,
} from '@countersign/canonical';
import { createDurably, isSystemError } from '@countersign/durable-file';
import { ConnectorError } from '../connector-error.ts';
import { stateDigest, type Effect, type VerifiedUse } from '../connector.ts';
import type { ContainParams } from './contain-params.ts';

const NAME = /^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$/;
const INCIDENT_ID = /^incident--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const REASON: Readonly<Record<Effect['result'], string>> = {
  succeeded: 'was done',
  failed: 'was not done',
  unknown: 'has an unknown outcome',
};

/**
 * Incidents as folders: `<id>/incident.json` is the incident, a STIX 2.1 object; each containment adds a note about it, as a
 * bundle of its own, and the evidence of its approval where that is at hand.
 */
export class IncidentFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Changes when anything of the incident does. @throws {ConnectorError} TARGET_UNKNOWN, RECORD_FORMAT */
  async state(params: ContainParams<unknown>): Promise<Digest> {
    return stateDigest(await this.#incident(params));
  }

  /** Once for each use. */
  async addNote(use: VerifiedUse<ContainParams<unknown>>, effect: Effect): Promise<void> {
    const { params, shortId, evidence } = use;
    const incident = await this.#incident(params);
    const at = formatTimestamp(Date.now());
    const note = {
      type: 'note',
      spec_version: '2.1',
      id: `note--${randomUUID()}`,
      created: at,
      modified: at,
      abstract: `${params.action} ${REASON[effect.result]} under ${shortId}`,
      content: [
        `Target: ${effect.targetRef}`,
        `State before: ${effect.beforeDigest ?? 'not known'}`,
        `State after: ${effect.afterDigest ?? 'not known'}`,
      ].join('\n'),
      object_refs: [incident.id],
      external_references: [
        { source_name: 'countersign', external_id: shortId, description: `use ${use.useId}` },
        ...params.evidence.map(({ source, ref, digest }) => ({
          source_name: source,
          external_id: ref,
          description: `evidence that was named when it was asked for, ${digest}`,
        })),
      ],
    };
    const bundle = { type: 'bundle', id: `bundle--${randomUUID()}`, objects: [incident, note] };
    const folder = join(this.#folder, params.incident.id);
    await createDurably(
      join(folder, `${shortId}.stix.json`),
      `${JSON.stringify(bundle, null, 2)}\n`,
    );
    if (evidence !== undefined) {
      await createDurably(join(folder, `${shortId}.evidence.json`), evidence);
    }
  }

  async #incident({
    incident,
  }: ContainParams<unknown>): Promise<JsonObject & { readonly id: string }> {
    if (!NAME.test(incident.id)) throw unknownIncident();
    try {
      const json = parseStrict(await readFile(join(this.#folder, incident.id, 'incident.json')));
      if (isIncident(json)) return json;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) throw unknownIncident(error);
      throw error;
    }
    throw new ConnectorError('RECORD_FORMAT', 'expected an incident of STIX 2.1');
  }
}

function isIncident(json: Json): json is JsonObject & { readonly id: string } {
  if (!isJsonObject(json)) return false;
  const { id } = json;
  return typeof id === 'string' && INCIDENT_ID.test(id);
}

function unknownIncident(cause?: unknown): ConnectorError {
  return new ConnectorError('TARGET_UNKNOWN', 'expected an incident that is there', { cause });
}
