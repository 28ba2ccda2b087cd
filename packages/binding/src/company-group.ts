import { id, issuerUrl } from './field-shape.ts';
import { integer, object, text, type Shape } from './shape.ts';

/** Whose approvals a rule counts: who is in a group of the company, by its own word. schemas/formats/policy.md §7.9 */
export interface CompanyGroup {
  /** An issuer of the authority. */
  readonly issuer: string;
  /** For whom its ID tokens are made out: the client id of the ledger's gateway. */
  readonly audience: string;
  readonly group: string;
  /** How long a token counts, from when it was made. */
  readonly within_s: number;
}

const WITHIN_MIN_S = 60;
const WITHIN_MAX_S = 86_400;

/** So that a binding with a token of each approver fits into an entry. */
export const GROUP_APPROVALS_MAX = 8;

export const companyGroup: Shape<CompanyGroup> = object<CompanyGroup>({
  issuer: issuerUrl,
  audience: id,
  group: text(200),
  within_s: integer(WITHIN_MIN_S, WITHIN_MAX_S),
});

/** Whether another group, or a younger token, is asked for than was. */
export function isOtherGroup(
  now: CompanyGroup | undefined,
  was: CompanyGroup | undefined,
): boolean {
  if (now === undefined) return false;
  return was === undefined || !isSameGroup(now, was) || now.within_s < was.within_s;
}

function isSameGroup(one: CompanyGroup, other: CompanyGroup): boolean {
  return (
    one.issuer === other.issuer && one.audience === other.audience && one.group === other.group
  );
}

/** What holds all of these; `undefined` in `joined` for none, no answer at all where they are of different groups. */
export function joinedGroup(
  rules: readonly { readonly member_of?: CompanyGroup }[],
): { readonly member_of?: CompanyGroup } | undefined {
  const asked = rules.flatMap(({ member_of: each }) => (each === undefined ? [] : [each]));
  const [first] = asked;
  if (first === undefined) return {};
  if (!asked.every((each) => isSameGroup(each, first))) return undefined;
  return { member_of: { ...first, within_s: Math.min(...asked.map((each) => each.within_s)) } };
}
