import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  ActionRow,
  ActionStatus,
  AskedRow,
  ChangeSet,
  ContentRow,
  DecidedRow,
  DecisionRow,
  EntryRow,
  FormerMemberRow,
  LogPosition,
  ReadModels,
  RowChange,
  UseRow,
} from '../read-models.ts';

export interface ReadModelsSubject {
  /** Opens empty read models. */
  open(): Promise<ReadModels>;
  /** Closes them and opens what they left. */
  reopen(models: ReadModels): Promise<ReadModels>;
  /** Closes them and removes what they left. */
  discard(models: ReadModels): Promise<void>;
}

const TENANT = 'acme';

function hashOf(seed: number): Uint8Array {
  return new Uint8Array(32).fill(seed);
}

function digestOf(seed: number): string {
  return `sha256:${seed.toString(16).padStart(64, '0')}`;
}

function actionId(n: number): string {
  return `01ARZ3NDEKTSV4RRFFQ69G${String(n).padStart(4, '0')}`;
}

function at(n: number): string {
  return new Date(Date.UTC(2026, 0, 1) + n).toISOString();
}

function entry(index: number, action: string | null): EntryRow {
  return {
    index,
    type: 'request-admitted',
    at: at(index),
    tenant: TENANT,
    actionId: action,
    leaf: digestOf(index),
    bytes: Uint8Array.of(0x7b, index % 256, 0x7d),
  };
}

function action(n: number, status: ActionStatus = 'pending'): ActionRow {
  return {
    tenant: TENANT,
    actionId: actionId(n),
    status,
    actionType: 'generic.command',
    agent: 'agent',
    executor: 'executor',
    actionDigest: digestOf(n),
    displayDigest: digestOf(n + 1),
    admissionIndex: status === 'refused' ? null : n,
    bindingIndex: null,
    openedAt: at(n),
    decideBy: at(n + 60_000),
    useBy: null,
    changedAt: at(n),
    lastIndex: n,
    uses: 0,
    result: null,
    code: status === 'refused' ? 'NO_POLICY' : null,
    erased: false,
  };
}

function content(n: number, digest: string): ContentRow {
  return {
    tenant: TENANT,
    actionId: actionId(n),
    kind: 'rationale',
    digest,
    text: 'because',
    salt: 'c2FsdHNhbHRzYWx0c2FsdA',
  };
}

function decision(index: number, n: number): DecisionRow {
  return {
    ...{ index, leaf: digestOf(index), tenant: TENANT, actionId: actionId(n), person: 'alice' },
    ...{ credential: 'key', verdict: 'approve', at: at(index) },
  };
}

function position(size: number): LogPosition {
  return {
    nextOffset: size * 2,
    size,
    hashes: [hashOf(1), hashOf(2)],
    intakeOffset: 7,
    epoch: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  };
}

function open(n: number, status?: ActionStatus): RowChange {
  return { change: 'action-opened', row: action(n, status) };
}

/** What every store of read models must do. */
export function readModelsContract(name: string, subject: ReadModelsSubject): void {
  describe(`read models: ${name}`, () => {
    let models: ReadModels;

    beforeEach(async () => {
      models = await subject.open();
    });

    afterEach(async () => {
      await subject.discard(models);
    });

    it('starts with nothing applied', async () => {
      expect(await models.logPosition()).toBeUndefined();
      expect(await models.sidePosition('content')).toBe(0);
      expect(await models.checkpoint()).toBeUndefined();
      expect(await models.action(TENANT, actionId(1))).toBeUndefined();
    });

    it('keeps rows and positions together over a reopening', async () => {
      await models.apply({
        rows: [open(1), { change: 'entry', row: entry(1, actionId(1)) }],
        log: { from: 0, to: position(3) },
        side: [
          { topic: 'content', from: 0, to: 5 },
          { topic: 'quarantine', from: 0, to: 6 },
        ],
      });
      models = await subject.reopen(models);
      expect(await models.logPosition()).toEqual(position(3));
      expect(await models.sidePosition('content')).toBe(5);
      expect(await models.sidePosition('quarantine')).toBe(6);
      expect(await models.action(TENANT, actionId(1))).toEqual(action(1));
      expect(await models.entriesOf(TENANT, actionId(1))).toEqual([entry(1, actionId(1))]);
    });

    it('takes nothing of what goes on from elsewhere than where it stands', async () => {
      const moves: ChangeSet = {
        rows: [open(1), { change: 'entry', row: entry(1, actionId(1)) }],
        log: { from: 0, to: position(3) },
        side: [{ topic: 'content', from: 0, to: 5 }],
      };
      await models.apply(moves);
      const dump = await models.dump();
      const late: RowChange[] = [open(2), { change: 'checkpoint', size: 9, note: 'note' }];
      const refused: readonly Omit<ChangeSet, 'rows'>[] = [
        { log: { from: 0, to: position(4) } },
        { log: { from: 5, to: position(4) } },
        { log: { from: 7, to: position(4) } },
        { side: [{ topic: 'content', from: 0, to: 7 }] },
        { side: [{ topic: 'content', from: 4, to: 7 }] },
        // A topic of which nothing was read stands at 0.
        { side: [{ topic: 'quarantine', from: 1, to: 2 }] },
        // One position that is right does not make up for one that is not.
        { log: { from: 6, to: position(4) }, side: [{ topic: 'content', from: 4, to: 7 }] },
      ];
      for (const from of refused) {
        await expect(models.apply({ rows: late, ...from })).rejects.toMatchObject({
          name: 'StoreError',
          code: 'STORE_MOVED',
        });
        expect(await models.dump()).toBe(dump);
        expect(await models.logPosition()).toEqual(position(3));
        expect(await models.sidePosition('content')).toBe(5);
        expect(await models.sidePosition('quarantine')).toBe(0);
      }
      const log = { from: 6, to: position(4) };
      await models.apply({ rows: late, log, side: [{ topic: 'content', from: 5, to: 7 }] });
      expect(await models.logPosition()).toEqual(position(4));
      expect(await models.dump()).not.toBe(dump);
    });

    it('lets one of those that go on from the same position win', async () => {
      const racers = Array.from({ length: 8 }, (_, n) =>
        models.apply({ rows: [open(n)], log: { from: 0, to: position(n + 1) } }).then(
          () => n,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'STORE_MOVED' });
            return undefined;
          },
        ),
      );
      const won = (await Promise.all(racers)).filter((n) => n !== undefined);
      expect(won).toHaveLength(1);
      expect(await models.logPosition()).toEqual(position((won[0] ?? 0) + 1));
      const { rows } = await models.actions({ tenant: TENANT, limit: 10 });
      expect(rows.map((row) => row.actionId)).toEqual(won.map(actionId));
    });

    it('keeps nothing of a content that races with its erasure', async () => {
      for (let n = 1; n <= 20; n += 1) {
        await models.apply({ rows: [open(n)] });
        await Promise.all([
          models.apply({ rows: [{ change: 'content', row: content(n, digestOf(n)) }] }),
          models.apply({
            rows: [{ change: 'content-erased', tenant: TENANT, actionId: actionId(n) }],
          }),
        ]);
        expect(await models.content(TENANT, actionId(n))).toEqual([]);
      }
    });

    it('keeps a change set of many rows as one of each', async () => {
      const many = Array.from({ length: 350 }, (_, n) => n);
      const rows = many.flatMap((n): RowChange[] => [
        open(n),
        { change: 'entry', row: entry(3 * n, actionId(n)) },
        {
          change: 'action-moved',
          tenant: TENANT,
          actionId: actionId(n),
          index: 3 * n + 1,
          at: at(3 * n + 1),
          to: { status: 'bound', bindingIndex: 3 * n + 1, useBy: at(9) },
        },
        { change: 'entry', row: entry(3 * n + 1, actionId(n)) },
        // Of an entry that moves nothing, only its time and place are kept.
        { change: 'entry', row: entry(3 * n + 2, actionId(n)) },
        { change: 'decision', row: decision(3 * n, n) },
        { change: 'document', digest: digestOf(n % 10), text: '{}' },
      ]);
      const one = await subject.open();
      // The first ones row by row, which takes a commit each.
      const singly = 7 * 50;
      for (const row of rows.slice(0, singly)) await one.apply({ rows: [row] });
      for (let start = singly; start < rows.length; start += 7) {
        await one.apply({ rows: rows.slice(start, start + 7) });
      }
      await models.apply({ rows });
      expect(await models.dump()).toBe(await one.dump());
      await subject.discard(one);
      expect(await models.action(TENANT, actionId(3))).toEqual({
        ...action(3, 'bound'),
        ...{ bindingIndex: 10, useBy: at(9), changedAt: at(11), lastIndex: 11 },
      });
      expect(await models.decisions(TENANT, actionId(3))).toEqual([decision(9, 3)]);
    });

    it('changes nothing when the same changes are applied twice', async () => {
      const rows: RowChange[] = [
        open(1),
        { change: 'entry', row: entry(1, actionId(1)) },
        { change: 'node', row: { level: 1, index: 1, hash: hashOf(4) } },
        { change: 'content', row: content(1, digestOf(9)) },
        { change: 'input', digest: digestOf(3), index: 1 },
      ];
      await models.apply({ rows });
      const once = await models.dump();
      await models.apply({ rows });
      expect(await models.dump()).toBe(once);
    });

    it('tells two stores apart by one byte', async () => {
      await models.apply({ rows: [{ change: 'entry', row: entry(1, null) }] });
      const first = await models.dump();
      await models.clear();
      const other = { ...entry(1, null), bytes: Uint8Array.of(0x7b, 2, 0x7d) };
      await models.apply({ rows: [{ change: 'entry', row: other }] });
      expect(await models.dump()).not.toBe(first);
    });

    it('moves an action, and never backwards', async () => {
      await models.apply({ rows: [open(1)] });
      const move = (index: number, status: ActionStatus): RowChange => ({
        change: 'action-moved',
        tenant: TENANT,
        actionId: actionId(1),
        index,
        at: at(index),
        to: { status },
      });
      await models.apply({ rows: [move(5, 'bound')] });
      await models.apply({ rows: [move(4, 'denied')] });
      const row = await models.action(TENANT, actionId(1));
      expect(row?.status).toBe('bound');
      expect(row?.lastIndex).toBe(5);
    });

    it('opens an action that was refused before, and keeps an admitted one', async () => {
      await models.apply({ rows: [open(1, 'refused'), open(1)] });
      expect((await models.action(TENANT, actionId(1)))?.status).toBe('pending');
      await models.apply({ rows: [open(1, 'refused')] });
      expect((await models.action(TENANT, actionId(1)))?.status).toBe('pending');
    });

    it('pages through actions by key, newest first, each once', async () => {
      await models.apply({
        rows: Array.from({ length: 25 }, (_, n) => open(n, n % 5 === 0 ? 'bound' : 'pending')),
      });
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.actions({ tenant: TENANT, limit: 7, cursor });
        seen.push(...page.rows.map((row) => row.actionId));
        cursor = page.cursor;
      } while (cursor !== null);
      expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => actionId(24 - n)));
      const bound = await models.actions({ tenant: TENANT, limit: 10, status: 'bound' });
      expect(bound.rows).toHaveLength(5);
      expect(bound.cursor).toBeNull();
      expect((await models.actions({ tenant: 'other', limit: 10 })).rows).toEqual([]);
    });

    it('pages through findings by their place, newest first, each once', async () => {
      const row = (index: number): EntryRow => ({
        ...entry(index, index % 3 === 0 ? actionId(1) : null),
        type: index % 2 === 0 ? 'finding-raised' : 'use-refused',
        tenant: index === 20 ? 'other' : TENANT,
      });
      const rows = Array.from({ length: 31 }, (_, index) => row(index));
      await models.apply({ rows: rows.map((each) => ({ change: 'entry', row: each })) });
      const seen: EntryRow[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.findings({ tenant: TENANT, limit: 4, cursor });
        seen.push(...page.rows);
        cursor = page.cursor;
      } while (cursor !== null);
      const wanted = rows.filter(({ index }) => index % 2 === 0 && index !== 20);
      expect(seen).toEqual(wanted.reverse());
      expect((await models.findings({ tenant: 'other', limit: 4 })).rows).toEqual([row(20)]);
      await expect(
        models.findings({ tenant: TENANT, limit: 4, cursor: '1 or 1' }),
      ).rejects.toMatchObject({ code: 'PAGE_REQUEST' });
    });

    it('finds the first entry of a time, and pages the entries of a period and of a kind', async () => {
      expect(await models.indexFrom(at(0))).toBe(0);
      const rows = Array.from({ length: 12 }, (_, index): RowChange => {
        // Three entries of each moment.
        const row = { ...entry(index, null), at: at(Math.floor(index / 3) * 10) };
        return { change: 'entry', row: { ...row, type: index % 2 === 0 ? 'even' : 'odd' } };
      });
      await models.apply({ rows });
      const firsts = [0, 1, 10, 25, 30, 31].map((ms) => models.indexFrom(at(ms)));
      expect(await Promise.all(firsts)).toEqual([0, 3, 3, 9, 9, 12]);
      const common = { tenant: TENANT, types: ['even', 'odd'], from: at(10), to: at(30) };
      const seen: number[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.typedEntries({ ...common, limit: 4, cursor });
        seen.push(...page.rows.map(({ index }) => index));
        ({ cursor } = page);
      } while (cursor !== null);
      expect(seen).toEqual([8, 7, 6, 5, 4, 3]);
      const even = await models.typedEntries({ ...common, types: ['even'], limit: 9 });
      expect(even.rows.map(({ index }) => index)).toEqual([8, 6, 4]);
    });

    it('pages what is wanted of a kind, each once, whatever lies between', async () => {
      const rows = Array.from({ length: 2_300 }, (_, index): RowChange => ({
        change: 'entry',
        row: { ...entry(index, null), type: 'finding-raised' },
      }));
      await models.apply({ rows });
      const wanted = ({ index }: EntryRow): boolean => index < 5 || index > 2_290;
      const seen: number[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.findings({ tenant: TENANT, limit: 4, cursor, wanted });
        seen.push(...page.rows.map(({ index }) => index));
        ({ cursor } = page);
      } while (cursor !== null);
      const newest = Array.from({ length: 9 }, (_, at_) => 2_299 - at_);
      expect(seen).toEqual([...newest, 4, 3, 2, 1, 0]);
    });

    it('pages bindings by when they were made, and actions by what they are', async () => {
      const bound = (n: number, index: number): RowChange[] => [
        open(n),
        { change: 'entry', row: entry(index, actionId(n)) },
        {
          change: 'action-moved',
          tenant: TENANT,
          actionId: actionId(n),
          index,
          at: at(index),
          to: { status: 'bound', bindingIndex: index },
        },
      ];
      const others = [0, 1, 2, 3].map((index): RowChange => ({
        change: 'entry',
        row: entry(index, null),
      }));
      await models.apply({
        rows: [...others, ...bound(3, 4), ...bound(1, 5), ...bound(2, 6), open(7, 'refused')],
      });
      const idsOf = async (page: ReturnType<ReadModels['actions']>): Promise<string[]> =>
        (await page).rows.map((row) => row.actionId);
      const first = await models.bindings({ tenant: TENANT, limit: 2 });
      expect(first.rows.map((row) => row.actionId)).toEqual([actionId(2), actionId(1)]);
      const rest = { tenant: TENANT, limit: 2, cursor: first.cursor };
      expect(await idsOf(models.bindings(rest))).toEqual([actionId(3)]);
      const period = { tenant: TENANT, limit: 9, from: at(5), to: at(6) };
      expect(await idsOf(models.bindings(period))).toEqual([actionId(1)]);
      const common = { tenant: TENANT, limit: 9 };
      expect(await idsOf(models.actions({ ...common, code: 'NO_POLICY' }))).toEqual([actionId(7)]);
      expect(await idsOf(models.actions({ ...common, agent: 'another' }))).toEqual([]);
      expect(await idsOf(models.actions({ ...common, from: at(2), to: at(7) }))).toEqual([
        actionId(3),
        actionId(2),
      ]);
      expect(
        await idsOf(models.bindings({ ...common, type: 'generic.command', executor: 'executor' })),
      ).toHaveLength(3);
    });

    it('pages actions and bindings on which a person has decided', async () => {
      const decided = [1, 2, 4, 5].map((n): RowChange => ({
        change: 'decision',
        row: { ...decision(10 + n, n), person: n === 4 ? 'bob' : 'alice' },
      }));
      const bind: RowChange = {
        ...{ change: 'action-moved', tenant: TENANT, actionId: actionId(2), index: 20 },
        ...{ at: at(20), to: { status: 'bound', bindingIndex: 20 } },
      };
      // Two decisions of one person about one action are one row.
      const again: RowChange = { change: 'decision', row: decision(30, 5) };
      const opened = [1, 2, 3, 4, 5].map((n) => open(n));
      await models.apply({ rows: [...opened, ...decided, again, bind] });
      const pages: string[][] = [];
      let cursor: string | null = null;
      do {
        const filter = { tenant: TENANT, person: 'alice', limit: 2, cursor };
        const page = await models.actions(filter);
        pages.push(page.rows.map((row) => row.actionId));
        ({ cursor } = page);
      } while (cursor !== null);
      expect(pages).toEqual([[actionId(5), actionId(2)], [actionId(1)]]);
      const one = { tenant: TENANT, limit: 9 };
      const ids = async (page: ReturnType<ReadModels['actions']>): Promise<string[]> =>
        (await page).rows.map((row) => row.actionId);
      expect(await ids(models.bindings({ ...one, person: 'alice' }))).toEqual([actionId(2)]);
      expect(await ids(models.bindings({ ...one, person: 'bob' }))).toEqual([]);
      expect(await ids(models.actions({ ...one, person: 'carol' }))).toEqual([]);
      expect(await ids(models.actions({ ...one, tenant: 'other', person: 'alice' }))).toEqual([]);
    });

    it('pages members by id, and those of a person', async () => {
      const member = (id: string, person: string | null): RowChange => ({
        change: 'member-set',
        row: { kind: 'credential', id, thumbprint: null, person, text: '{}', sinceIndex: 0 },
      });
      await models.apply({
        rows: [member('c', 'bob'), member('a', 'ann'), member('b', 'bob'), member('B', null)],
      });
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.memberPage({ kind: 'credential', limit: 3, cursor });
        seen.push(...page.rows.map(({ id }) => id));
        ({ cursor } = page);
      } while (cursor !== null);
      expect(seen).toEqual(['B', 'a', 'b', 'c']);
      const ofBob = await models.memberPage({ kind: 'credential', person: 'bob', limit: 3 });
      expect(ofBob.rows.map(({ id }) => id)).toEqual(['b', 'c']);
    });

    it('pages what people decided in a period, each once, with when they were asked', async () => {
      const asked = [0, 1, 1].map((n, index): RowChange => ({
        // The same bytes may be in a log twice.
        change: 'entry',
        row: { ...entry(index, null), at: at(n), leaf: digestOf(100 + n) },
      }));
      const row = (index: number, n: number, more: Partial<DecidedRow> = {}): DecidedRow => ({
        ...{ index, tenant: TENANT, person: 'ann', verdict: 'approve', at: at(index) },
        ...{ admission: digestOf(100 + n), load: null, ...more },
      });
      const rows = [
        ...[
          row(5, 0, { load: { prompts_1h: 3, decisions_1h: 0 } }),
          row(6, 1, { person: 'bob', verdict: 'deny' }),
          row(7, 1),
        ],
        ...[row(8, 1, { tenant: 'other' }), row(9, 0, { verdict: 'revoke' }), row(11, 0)],
      ];
      const entries = [3, 4, 5, 6, 7, 8, 9, 10, 11].map((index): RowChange => ({
        change: 'entry',
        row: entry(index, null),
      }));
      const decided = rows.map((each): RowChange => ({ change: 'decided', row: each }));
      await models.apply({ rows: [...asked, ...entries, ...decided] });
      const common = { tenant: TENANT, before: 11, limit: 2 };
      const seen: AskedRow[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.decidedPage({ ...common, cursor });
        seen.push(...page.rows);
        ({ cursor } = page);
      } while (cursor !== null);
      const [first, second, third, , fifth] = rows;
      expect(seen).toEqual([
        ...[
          { ...first, askedAt: at(0) },
          { ...second, askedAt: at(1) },
        ],
        ...[
          { ...third, askedAt: at(1) },
          { ...fifth, askedAt: at(0) },
        ],
      ]);
      const indexes = async (more: object): Promise<number[]> =>
        (await models.decidedPage({ ...common, limit: 9, ...more })).rows.map(({ index }) => index);
      expect(await indexes({ from: at(6), to: at(9) })).toEqual([6, 7]);
      expect(await indexes({ person: 'bob' })).toEqual([6]);
      await expect(models.decidedPage({ ...common, limit: 1_001 })).rejects.toMatchObject({
        code: 'PAGE_REQUEST',
      });
    });

    it('pages members that were removed, the last one first, and keeps them as they were', async () => {
      const row = (id: string, removedIndex: number): FormerMemberRow => ({
        ...{ kind: 'agent', id, person: id === 'b' ? 'bob' : null, text: `{"n":${removedIndex}}` },
        ...{ removedIndex, removedAt: at(removedIndex) },
      });
      const rows = [row('a', 3), row('b', 9), row('a', 9), row('c/9', 9), row('a', 7)];
      const changes = rows.map((each): RowChange => ({ change: 'former-member', row: each }));
      const other = { ...row('x', 9), kind: 'executor' };
      await models.apply({ rows: [...changes, { change: 'former-member', row: other }] });
      await models.apply({ rows: changes });
      const seen: FormerMemberRow[] = [];
      let cursor: string | null = null;
      do {
        const page = await models.formerMembers({ kind: 'agent', limit: 2, cursor });
        seen.push(...page.rows);
        ({ cursor } = page);
      } while (cursor !== null);
      expect(seen).toEqual([row('a', 9), row('b', 9), row('c/9', 9), row('a', 7), row('a', 3)]);
      const ofBob = await models.formerMembers({ kind: 'agent', person: 'bob', limit: 2 });
      expect(ofBob.rows).toEqual([row('b', 9)]);
      for (const bad of ['9', 'x/a', '9/', '']) {
        await expect(
          models.formerMembers({ kind: 'agent', limit: 2, cursor: bad }),
        ).rejects.toMatchObject({ code: 'PAGE_REQUEST' });
      }
    });

    it('refuses a page without a bound', async () => {
      await expect(models.actions({ tenant: TENANT, limit: 501 })).rejects.toMatchObject({
        code: 'PAGE_REQUEST',
      });
      await expect(models.entries(0, 0)).rejects.toMatchObject({ code: 'PAGE_REQUEST' });
    });

    it('erases content, also what comes after the erasure', async () => {
      await models.apply({ rows: [open(1), { change: 'content', row: content(1, digestOf(1)) }] });
      expect(await models.content(TENANT, actionId(1))).toHaveLength(1);
      await models.apply({
        rows: [
          { change: 'content-erased', tenant: TENANT, actionId: actionId(1) },
          { change: 'content', row: content(1, digestOf(2)) },
        ],
      });
      expect(await models.content(TENANT, actionId(1))).toEqual([]);
      expect((await models.action(TENANT, actionId(1)))?.erased).toBe(true);
    });

    it('answers an input by its entry before its quarantine', async () => {
      await models.apply({
        rows: [{ change: 'quarantined', digest: digestOf(1), code: 'SIGNATURE_INVALID' }],
      });
      expect(await models.input(digestOf(1))).toEqual({
        kind: 'quarantined',
        code: 'SIGNATURE_INVALID',
      });
      await models.apply({ rows: [{ change: 'input', digest: digestOf(1), index: 4 }] });
      expect(await models.input(digestOf(1))).toEqual({ kind: 'entry', index: 4 });
    });

    it('answers many inputs at a time, those that ended', async () => {
      await models.apply({
        rows: [
          { change: 'quarantined', digest: digestOf(1), code: 'SIGNATURE_INVALID' },
          { change: 'quarantined', digest: digestOf(2), code: 'SCHEMA_INVALID' },
          { change: 'input', digest: digestOf(2), index: 4 },
        ],
      });
      const outcomes = await models.inputs([1, 2, 3].map(digestOf));
      expect([...outcomes].sort()).toEqual([
        [digestOf(1), { kind: 'quarantined', code: 'SIGNATURE_INVALID' }],
        [digestOf(2), { kind: 'entry', index: 4 }],
      ]);
      expect(await models.inputs([])).toEqual(new Map());
    });

    it('finds uses by their short ids, in the order of the log', async () => {
      const row = (index: number, end: string, tenant = TENANT): UseRow => ({
        index,
        tenant,
        actionId: actionId(index),
        useId: `01ARZ3NDEKTSV4RR${end}`,
        shortId: `cs-${end}`,
        at: at(index),
      });
      const [first, second] = [row(7, 'FFQ69G0001'), row(9, 'FFQ69G0001')];
      const others = [row(3, 'FFQ69G0002'), row(4, 'FFQ69G0001', 'other')];
      const all = [second, ...others, first];
      await models.apply({ rows: all.map((each) => ({ change: 'use', row: each })) });
      expect(await models.usesCalled(TENANT, 'cs-FFQ69G0001')).toEqual([first, second]);
      expect(await models.usesCalled(TENANT, 'cs-FFQ69G0003')).toEqual([]);
    });

    it('gives the nodes that it has, many at a time', async () => {
      const rows: RowChange[] = Array.from({ length: 900 }, (_, index) => ({
        change: 'node',
        row: { level: 1, index, hash: hashOf(index % 256) },
      }));
      await models.apply({ rows });
      const wanted = Array.from({ length: 901 }, (_, index) => ({ level: 1, index }));
      expect(await models.nodes(wanted)).toHaveLength(900);
    });

    it('gives the leaves of entries as the nodes of level 0', async () => {
      await models.apply({ rows: [{ change: 'entry', row: entry(3, null) }] });
      const wanted = [3, 4].map((index) => ({ level: 0, index }));
      const hash = new Uint8Array(32);
      hash[31] = 3;
      expect(await models.nodes(wanted)).toEqual([{ level: 0, index: 3, hash }]);
    });

    it('gives the newest checkpoint, and the first that covers a size', async () => {
      await models.apply({
        rows: [3, 9, 6].map((size) => ({ change: 'checkpoint', size, note: `note ${size}` })),
      });
      expect((await models.checkpoint())?.size).toBe(9);
      expect((await models.checkpoint(4))?.size).toBe(6);
      expect(await models.checkpoint(10)).toBeUndefined();
    });

    it('gives the largest checkpoint within a size', async () => {
      await models.apply({
        rows: [3, 9].map((size) => ({ change: 'checkpoint', size, note: `note ${size}` })),
      });
      expect(await models.checkpointWithin(8)).toEqual({ size: 3, note: 'note 3' });
      expect((await models.checkpointWithin(9))?.size).toBe(9);
      expect(await models.checkpointWithin(2)).toBeUndefined();
    });

    it('gives the first entry with a leaf hash', async () => {
      const { leaf } = entry(3, null);
      const rows = [5, 3, 4].map((index): RowChange => {
        const row = entry(index, null);
        return { change: 'entry', row: index === 4 ? row : { ...row, leaf } };
      });
      await models.apply({ rows });
      expect((await models.entryWithLeaf(leaf))?.index).toBe(3);
      expect(await models.entryWithLeaf(entry(9, null).leaf)).toBeUndefined();
    });

    it('gives the entries of an action from an index on, page by page', async () => {
      const rows = [2, 4, 6, 8].map((index): RowChange => ({
        change: 'entry',
        row: entry(index, actionId(1)),
      }));
      await models.apply({ rows });
      const page = async (start: number, limit: number): Promise<number[]> =>
        (await models.entriesOf(TENANT, actionId(1), { start, limit })).map(({ index }) => index);
      expect(await page(0, 2)).toEqual([2, 4]);
      expect(await page(5, 9)).toEqual([6, 8]);
      expect(await page(9, 9)).toEqual([]);
    });

    it('replaces and removes members', async () => {
      const row = {
        kind: 'agent',
        id: 'a',
        thumbprint: digestOf(1),
        person: null,
        text: '{}',
        sinceIndex: 0,
      };
      await models.apply({ rows: [{ change: 'member-set', row }] });
      expect(await models.memberByThumbprint('agent', digestOf(1))).toEqual(row);
      await models.apply({
        rows: [{ change: 'member-set', row: { ...row, thumbprint: digestOf(2), sinceIndex: 5 } }],
      });
      expect(await models.memberByThumbprint('agent', digestOf(1))).toBeUndefined();
      await models.apply({ rows: [{ change: 'member-removed', kind: 'agent', id: 'a' }] });
      expect(await models.member('agent', 'a')).toBeUndefined();
    });

    it('keeps what witnesses have signed, through a clear and out of what is compared', async () => {
      expect(await models.cosigned()).toBeUndefined();
      const empty = await models.dump();
      await models.apply({
        rows: [3, 9, 6].map((size) => ({ change: 'cosigned', size, note: `note ${size}` })),
      });
      await models.apply({ rows: [{ change: 'cosigned', size: 9, note: 'another' }] });
      expect(await models.dump()).toBe(empty);
      await models.clear();
      expect(await models.cosigned()).toEqual({ size: 9, note: 'note 9' });
    });

    it('clears to what a new store is', async () => {
      const empty = await models.dump();
      await models.apply({
        rows: [open(1)],
        log: { from: 0, to: position(2) },
        side: [{ topic: 'content', from: 0, to: 1 }],
      });
      expect(await models.dump()).not.toBe(empty);
      await models.clear();
      expect(await models.dump()).toBe(empty);
      expect(await models.logPosition()).toBeUndefined();
      expect(await models.sidePosition('content')).toBe(0);
    });
  });
}
