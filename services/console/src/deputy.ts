import { mayApprove, quorumAt, type RequestAdmitted } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { listIn, objectOf, textIn, textOf } from './answer-json.ts';

/** Who decides in whose place, as the server tells. */
export interface Deputy {
  readonly principal: string;
  readonly deputy: string;
  readonly types: readonly string[];
  readonly not_before: string;
  readonly not_after: string;
}

/** Of an answer to GET /v1/status. @throws ConsoleError ANSWER_FORMAT */
export function deputiesIn(status: JsonObject): readonly Deputy[] {
  return listIn(status, 'deputies')
    .map(objectOf)
    .map((each) => ({
      principal: textIn(each, 'principal'),
      deputy: textIn(each, 'deputy'),
      types: listIn(each, 'types').map(textOf),
      not_before: textIn(each, 'not_before'),
      not_after: textIn(each, 'not_after'),
    }));
}

/** In whose place somebody who cannot decide about a request for themselves now could. The ledger alone knows. */
export function principalsFor(
  admission: RequestAdmitted,
  person: string,
  { deputies, nowMs }: { readonly deputies: readonly Deputy[]; readonly nowMs: number },
): readonly string[] {
  const { action_type: type, excluded } = admission;
  const now = quorumAt(admission, nowMs);
  if (mayApprove(now, person)) return [];
  return deputies
    .filter((each) => each.deputy === person && each.types.includes(type.name))
    .map(({ principal }) => principal)
    .filter((each) => mayApprove(now, each))
    .filter((each) => !excluded.some((out) => out.person === each));
}
