import { expect, it } from 'vitest'
import { separateCredentials } from '../../../src/platform/credentials.ts'

it('the user and the password of a URL become a header, decoded, and leave the URL', () => {
  const { url, headers } = separateCredentials('https://us%40er:pass%20word@host.example/path?x=1')
  expect(url.href).toBe('https://host.example/path?x=1')
  expect(headers).toEqual({ authorization: `Basic ${btoa('us@er:pass word')}` })
})

it('a URL without a user gives no header', () => {
  const { url, headers } = separateCredentials('https://host.example/path')
  expect([url.href, headers]).toEqual(['https://host.example/path', {}])
})
