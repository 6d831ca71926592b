/** Separates a URL from its user and password, which are sent as HTTP Basic authentication. Without a user, no header is. */
export function separateCredentials(text: string): {
  readonly url: URL
  readonly headers: { readonly authorization?: string }
} {
  const url = new URL(text)
  const { username, password } = url
  Object.assign(url, { username: '', password: '' })
  if (username === '') return { url, headers: {} }
  const credentials = [username, password].map(decodeURIComponent).join(':')
  return { url, headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } }
}
