export { addCheckpoint, type WitnessAddress, type WitnessReply } from './add-checkpoint.ts';
export {
  WitnessSession,
  type OfferedHead,
  type OfferOutcome,
  type WitnessFailure,
} from './witness-session.ts';
