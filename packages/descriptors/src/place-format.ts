/** Names of things that are never given to another thing: what was approved is what is touched. */

const REGION = '[a-z]{2}(?:-[a-z]+){1,2}-[1-9][0-9]?';
const PARTITION = 'arn:aws(?:-[a-z]+){0,2}';
const ACCOUNT = '[0-9]{12}';
const IAM_PATH = '(?:[A-Za-z0-9+=,.@_-]{1,128}/){0,16}';
const IAM_NAME = '[A-Za-z0-9+=,.@_-]{1,64}';

function whole(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const AWS_REGION = whole(REGION);
const IAM_USER = whole(`${PARTITION}:iam::${ACCOUNT}:user/${IAM_PATH}${IAM_NAME}`);
const IAM_ROLE = whole(`${PARTITION}:iam::${ACCOUNT}:role/${IAM_PATH}${IAM_NAME}`);
/** With the six characters that Secrets Manager adds: a secret that is deleted and made anew has others. */
const AWS_SECRET = whole(
  `${PARTITION}:secretsmanager:${REGION}:${ACCOUNT}:secret:[A-Za-z0-9/_+=.@-]{1,505}-[A-Za-z0-9]{6}`,
);
/** Of a user, for good: temporary keys begin otherwise, and nobody rotates them. */
const AWS_ACCESS_KEY = /^AKIA[A-Z0-9]{12,28}$/;
const EC2_INSTANCE = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;
const EC2_SECURITY_GROUP = /^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;

export function isAwsRegion(text: string): boolean {
  return AWS_REGION.test(text);
}

export function isIamUser(text: string): boolean {
  return IAM_USER.test(text);
}

export function isAwsSecret(text: string): boolean {
  return AWS_SECRET.test(text);
}

export function isAwsAccessKey(text: string): boolean {
  return AWS_ACCESS_KEY.test(text);
}

export function isEc2Instance(text: string): boolean {
  return EC2_INSTANCE.test(text);
}

export function isEc2SecurityGroup(text: string): boolean {
  return EC2_SECURITY_GROUP.test(text);
}

/** A SPIFFE id, or the ARN of a role of IAM. */
export function isWorkload(text: string): boolean {
  if (IAM_ROLE.test(text)) return true;
  const [, , path] = SPIFFE_ID.exec(text) ?? [];
  return path !== undefined && !path.split('/').some((step) => step === '.' || step === '..');
}
