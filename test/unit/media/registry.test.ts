import { expect, it } from 'vitest'
import { UsageError } from '../../../src/platform/errors.ts'
import { audioEndpoint } from '../../../src/media/audio/endpoint.ts'
import { endpointOf } from '../../../src/media/registry.ts'

it('an endpoint is found by its medium, and the error about another one names the media', () => {
  expect(endpointOf('audio')).toBe(audioEndpoint)
  expect(() => endpointOf('video')).toThrow(
    new UsageError('This version has no medium video.', 'Give one of these: audio.'),
  )
})
