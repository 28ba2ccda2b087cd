export { TlogError } from './error.ts';
export type { TlogErrorCode } from './error.ts';
export { SignerError } from './signer-error.ts';
export type { SignerErrorCode, SignerErrorKind } from './signer-error.ts';
export { useSha256 } from './sha256.ts';
export { emptyRoot, hashLeaf, hashNode } from './hash.ts';
export type { NodeReader, TreeNode } from './tree-node.ts';
export { CompactRange } from './compact-range.ts';
export { MemoryTree } from './memory-tree.ts';
export { inclusionProof, rootFromInclusion, verifyInclusion } from './inclusion-proof.ts';
export type { InclusionClaim } from './inclusion-proof.ts';
export { consistencyProof, verifyConsistency } from './consistency-proof.ts';
export type { ConsistencyClaim } from './consistency-proof.ts';
export type { SignatureCheck, VerifySignature } from './signature-check.ts';
export { formatVerifierKey, parseVerifierKey } from './verifier-key.ts';
export type { NoteKeyType, NoteVerifier, VerifierKeyParts } from './verifier-key.ts';
export { parseNote, signNote, verifyNote } from './signed-note.ts';
export type {
  NoteSignature,
  NoteSigner,
  ParsedNote,
  VerifiedNote,
  VerifiedSignature,
} from './signed-note.ts';
export { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
export type { Checkpoint, CheckpointTrust, OpenedCheckpoint } from './checkpoint.ts';
export { KeyHistory, keyIds, openCheckpointAt } from './key-history.ts';
export type { HistoricTrust, KeySpan } from './key-history.ts';
export { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts';
export { ReceiptWriter } from './receipt-writer.ts';
export type { TlogProof, TlogProofTrust, VerifiedTlogProof } from './tlog-proof.ts';
export {
  TILE_HEIGHT,
  TILE_WIDTH,
  formatTilePath,
  hashTileBytes,
  isTileOfTree,
  parseTilePath,
  partialTilesOfTree,
  tilesOfTree,
} from './tile.ts';
export type { Tile } from './tile.ts';
export { TileEdge } from './tile-edge.ts';
export type { TileFile } from './tile-edge.ts';
export { formatEntryBundle, parseEntryBundle } from './entry-bundle.ts';
export { openCosignature } from './cosignature.ts';
export type { Cosignature } from './cosignature.ts';
export { parseWitnessPolicy, WitnessPolicy } from './witness-policy.ts';
export type { PolicyWitness } from './witness-policy.ts';
export {
  formatWitnessRequest,
  judgeWitnessRequest,
  originHash,
  parseWitnessRequest,
} from './witness-request.ts';
export type { WitnessAnswer, WitnessRequest, WitnessedLog } from './witness-request.ts';
