import { Agent, EnvHttpProxyAgent } from 'undici'
import { isLoopback, type SyncConfig } from './config/config.ts'

/** Creates the connections to a URL. They use the proxy, if there is one, but never to loopback or to a host of NO_PROXY. */
export function createAgent(
  url: string,
  { httpsProxy, noProxy }: Pick<SyncConfig, 'httpsProxy' | 'noProxy'>,
  options: Agent.Options,
): Agent | EnvHttpProxyAgent {
  if (httpsProxy === null || isLoopback(new URL(url).hostname)) return new Agent(options)
  return new EnvHttpProxyAgent({ ...options, httpProxy: httpsProxy, httpsProxy, noProxy })
}
