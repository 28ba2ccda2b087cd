/** Of a person who has signed in on a page. It lets somebody read, never decide. */
export interface Session {
  readonly person: string;
  readonly credential: string;
  /** The sign-in at the company that it was opened under, and ends with. */
  readonly identity?: string;
}

export const SESSION_COOKIE = 'countersign_session';
