import type { JsonObject } from '@countersign/canonical';
import { actionIdOf } from '../support/parties.ts';
import { ANSWER_MS, FoundedLedger, entryOf, type Admitted } from '../support/founded-ledger.ts';
import { inputDigest } from '@countersign/ledger';
import { percentile, rounded } from './percentile.ts';

/** Below the bound of open requests that one agent may have. */
export const OPEN_PER_AGENT = 150;

export interface DecisionFigures {
  readonly in_flight: number;
  readonly decisions: number;
  /** Verified, bound, sealed by a signed head, and on disk. */
  readonly per_second: number;
  /** From sending the decision to holding the binding's receipt. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Processor time of all threads of the process, the client's part included: what other load on the machine changes least. */
  readonly cpu_us: number;
}

/** A ledger on SQLite that has enough agents for so many open requests. */
export function benchLedger(open: number): Promise<FoundedLedger> {
  return FoundedLedger.create({ tier: 'sqlite', crewSize: Math.ceil(open / OPEN_PER_AGENT) });
}

/** Admits requests and signs the decisions before the clock starts: the agent and the person are not measured. */
export async function prepareDecisions(ledger: FoundedLedger, count: number): Promise<Ready[]> {
  const { crew } = ledger.parties;
  const ready: Ready[] = [];
  for (let at = 0; at < count; at += OPEN_PER_AGENT) {
    const agent = crew[at / OPEN_PER_AGENT];
    if (agent === undefined) throw new Error('expected an agent for each bound of requests');
    const batch = Array.from({ length: Math.min(OPEN_PER_AGENT, count - at) }, async () => {
      const action: JsonObject = ledger.parties.action({
        agent: { id: agent.id, key_thumbprint: agent.thumbprint },
      });
      const actionId = actionIdOf(action);
      const answer = await ledger.ask('request', actionId, agent.frame('request', action));
      const admitted: Admitted = {
        action,
        actionId,
        admission: entryOf(answer, 'request-admitted'),
      };
      return { actionId, frame: ledger.parties.decisionFrame(admitted.admission) };
    });
    ready.push(...(await Promise.all(batch)));
  }
  return ready;
}

/** A decision that only needs to be sent. */
export interface Ready {
  readonly actionId: string;
  readonly frame: Uint8Array;
}

/** Sends `count` decisions, `inFlight` of them at a time, and waits for the receipt of each. */
export async function measureDecisions(
  ledger: FoundedLedger,
  inFlight: number,
  count: number,
): Promise<DecisionFigures> {
  const ready = await prepareDecisions(ledger, count);
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const latencies = await answerDecisions(ledger, inFlight, ready);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    in_flight: inFlight,
    decisions: count,
    per_second: rounded(count / seconds, 0),
    p50_ms: rounded(percentile(latencies, 0.5)),
    p99_ms: rounded(percentile(latencies, 0.99)),
    cpu_us: rounded((user + system) / count, 0),
  };
}

/** Answers how many milliseconds each took. */
export async function answerDecisions(
  ledger: FoundedLedger,
  inFlight: number,
  decisions: readonly Ready[],
): Promise<number[]> {
  const ready = [...decisions];
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
        const began = performance.now();
        const arriving = ledger.projector.waitForInput(inputDigest(next.frame), ANSWER_MS);
        await ledger.submit('decision', next.actionId, next.frame);
        const answer = await arriving;
        if (answer === undefined) throw new Error('expected an answer to a decision');
        entryOf(answer, 'binding-made');
        latencies.push(performance.now() - began);
      }
    }),
  );
  return latencies;
}
