import type { Environment } from '../../src/platform/config/environment.ts'
import { type CannedApi, startCannedApi } from './canned-api.ts'
import { createTestApp, type TestApp } from './test-app.ts'

/** Creates a test app whose API responds with the function of a test. */
export async function benchAgainst(
  respond: Parameters<typeof startCannedApi>[0],
  environment: Environment = {},
): Promise<TestApp & { readonly api: CannedApi }> {
  const api = await startCannedApi(respond)
  const bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url, ...environment } })
  return {
    ...bench,
    api,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}
