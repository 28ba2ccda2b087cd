import { Type } from 'typebox';

const closed = { additionalProperties: false } as const;
const Kind = Type.Literal('public-key');

/** PublicKeyCredentialCreationOptionsJSON of WebAuthn §5.1, as much of it as we set. */
export const RegistrationOptionsSchema = Type.Object(
  {
    challenge: Type.String(),
    rp: Type.Object({ id: Type.String(), name: Type.String() }, closed),
    user: Type.Object(
      { id: Type.String(), name: Type.String(), displayName: Type.String() },
      closed,
    ),
    pubKeyCredParams: Type.Array(Type.Object({ alg: Type.Integer(), type: Kind }, closed)),
    timeout: Type.Integer(),
    attestation: Type.Union([Type.Literal('none'), Type.Literal('direct')]),
    /** Beyond WebAuthn: what a chain may end with. */
    attestationRoots: Type.Array(Type.String()),
    authenticatorSelection: Type.Object(
      {
        residentKey: Type.Literal('required'),
        requireResidentKey: Type.Boolean(),
        userVerification: Type.Literal('required'),
      },
      closed,
    ),
    excludeCredentials: Type.Array(Type.Object({ id: Type.String(), type: Kind }, closed)),
  },
  closed,
);
