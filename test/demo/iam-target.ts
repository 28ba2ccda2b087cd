/** A managed policy where it lives, as much of it as an executor needs. */
export interface IamTarget {
  /** Said in the demo's output: a simulated target must never be taken for a real API. */
  readonly description: string;
  readonly account: string;
  readonly policyArn: string;
  /** The live document (URL-decoded), the version it is, and who is attached. */
  read(): Promise<LivePolicy>;
  /** Makes `document` the default version, byte for byte. */
  write(document: string): Promise<string>;
  /** The record beside the execution: what an auditor of the account finds without us. */
  tag(key: string, value: string): Promise<void>;
  close(): void;
}

export interface LivePolicy {
  readonly document: string;
  readonly versionId: string;
  readonly principals: readonly string[];
}

export const BEFORE: string = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'Artifacts',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      Resource: 'arn:aws:s3:::prod-artifacts/*',
    },
  ],
});

export const AFTER: string = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'Artifacts',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject'],
      Resource: 'arn:aws:s3:::prod-artifacts/*',
    },
  ],
});
