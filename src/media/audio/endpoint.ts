import type { AudioRecord } from './contract.ts'
import { audioContent, validateAudio } from './validate.ts'
import type { Endpoint } from '../endpoint.ts'
import { audioCanonical } from './canonical.ts'
import { audioPayload } from './denormalize.ts'
import { normalizeAudio } from './normalize.ts'

/** Audio: GET /classifications_audio. */
export const audioEndpoint: Endpoint<AudioRecord> = {
  media: 'audio',
  path: '/classifications_audio',
  validate: validateAudio,
  normalize: normalizeAudio,
  denormalize: audioPayload,
  canonicalize: (payload) => audioCanonical(audioContent(payload)),
}
