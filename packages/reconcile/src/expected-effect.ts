import { isJsonObject, type Json, type JsonObject } from '@countersign/canonical';

/** What a target system records of one change, whatever the system calls it. */
export type EffectKind =
  | 'access-key-created'
  | 'access-key-deleted'
  | 'access-key-disabled'
  | 'groups-set'
  | 'password-set'
  | 'payment'
  | 'policy-written'
  | 'secret-read';

/** What the record of the target must hold when an action was run as it was approved: the join key and what it says. */
export interface ExpectedEffect {
  readonly kind: EffectKind;
  readonly target: string;
  /** Compared by name with what the record says; what a record does not say is not compared. */
  readonly facts: Readonly<Record<string, string>>;
}

/**
 * Of one use of an action; undefined for a type of which no record is read.
 * @param params with what the use has chosen, where its action left something to choose
 */
export function expectedEffects(
  type: string,
  params: JsonObject,
): readonly ExpectedEffect[] | undefined {
  switch (type) {
    case 'payment.transfer':
      return [payment(params, params['amount'])];
    case 'payment.grant':
      return [
        payment(params, { amount: params['amount'] ?? '', currency: params['currency'] ?? '' }),
      ];
    case 'secret.access':
      return [
        {
          kind: 'secret-read',
          target: textOf(params['secret_ref']),
          facts: { version: textOf(params['secret_version']) },
        },
      ];
    case 'iam.policy.change':
      return [
        {
          kind: 'policy-written',
          target: textOf(memberOf(params['target'], 'ref')),
          facts: { document: textOf(params['after']) },
        },
      ];
    case 'key.rotate':
      return rotation(params);
    case 'response.contain':
      return containment(memberOf(params, 'target'));
    default:
      return undefined;
  }
}

function payment(params: JsonObject, money: Json | undefined): ExpectedEffect {
  return {
    kind: 'payment',
    target: textOf(memberOf(params['creditor'], 'account')),
    facts: {
      amount: moneyText(textOf(memberOf(money, 'amount'))),
      currency: textOf(memberOf(money, 'currency')),
      debtor: textOf(params['debtor_account']),
    },
  };
}

/** Without the zeros that a bank may add or leave out after the point. */
export function moneyText(amount: string): string {
  return amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount;
}

function rotation(params: JsonObject): readonly ExpectedEffect[] {
  const key = params['key'];
  if (memberOf(key, 'kind') === 'postgresql-role-password') {
    return [{ kind: 'password-set', target: textOf(memberOf(key, 'role_name')), facts: {} }];
  }
  const target = textOf(memberOf(key, 'user_arn')).split('/').at(-1) ?? '';
  const old = { target, facts: { key: textOf(memberOf(key, 'access_key_id')) } };
  const created: ExpectedEffect = { kind: 'access-key-created', target, facts: {} };
  const action = params['old_key_action'];
  if (action === 'disable') return [created, { kind: 'access-key-disabled', ...old }];
  if (action === 'revoke') return [created, { kind: 'access-key-deleted', ...old }];
  return [created];
}

/** The kernel of a machine keeps no log of its links: only instances of a cloud are looked up. */
function containment(target: Json | undefined): readonly ExpectedEffect[] | undefined {
  if (memberOf(target, 'kind') !== 'cloud-instance') return undefined;
  const groups = memberOf(target, 'groups_after');
  const ids = Array.isArray(groups) ? groups.map((group) => textOf(group as Json)) : [];
  return [
    {
      kind: 'groups-set',
      target: textOf(memberOf(target, 'id')),
      facts: { groups: ids.sort().join(' ') },
    },
  ];
}

function memberOf(json: Json | undefined, name: string): Json | undefined {
  if (!isJsonObject(json)) return undefined;
  return json[name];
}

function textOf(json: Json | undefined): string {
  return typeof json === 'string' ? json : '';
}
