import type { AudioRecord } from './contract/audio-record.ts'
import { audioContent, validateAudio } from './contract/validate-audio.ts'
import type { Endpoint } from './endpoint.ts'
import { audioCanonical } from './normalize/audio-canonical.ts'
import { audioPayload } from './normalize/audio-payload.ts'
import { normalizeAudio } from './normalize/normalize-audio.ts'

/** Audio: GET /classifications_audio. */
export const audioEndpoint: Endpoint<AudioRecord> = {
  media: 'audio',
  path: '/classifications_audio',
  validate: validateAudio,
  normalize: normalizeAudio,
  denormalize: audioPayload,
  canonicalize: (payload) => audioCanonical(audioContent(payload)),
}
