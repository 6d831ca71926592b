import { expect, it } from 'vitest'
import { assertNodeVersion } from '../../../src/platform/node-version.ts'

it.each([
  ['22.18.9', false],
  ['20.20.2', false],
  ['22.19.0', true],
  ['24.0.0', true],
])('Node %s is new enough: %s', (version, isEnough) => {
  const check = () => assertNodeVersion(version)
  if (isEnough) check()
  else expect(check).toThrow(`Node 22.19 or later is needed, but this is ${version}. Install`)
})
