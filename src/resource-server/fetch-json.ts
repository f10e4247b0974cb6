/** The provider could not be asked, or its answer is none that it may give. Nobody knows whether a token is valid. */
export class Unavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Unavailable'
  }
}

/** More than any discovery document or key set has. */
const LARGEST_BYTES = 1024 * 1024

export interface Asked {
  readonly url: string
  readonly timeoutMs: number
  readonly headers?: Readonly<Record<string, string>>
  /** A form to post. Absent: a GET. */
  readonly form?: Readonly<Record<string, string>>
}

/**
 * The status and, with status 200, the JSON of an answer. Throws `Unavailable` if there is no complete answer in time,
 * for a redirect, and for a body that is too large or no JSON. The message has no query: it may hold a secret.
 */
export async function fetchJson({
  url,
  timeoutMs,
  headers = {},
  form,
}: Asked): Promise<{ readonly status: number; readonly body: unknown }> {
  const { origin, pathname } = new URL(url)
  const place = `${origin}${pathname}`
  try {
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { Accept: 'application/json', ...headers },
      body: form === undefined ? null : new URLSearchParams(form),
      // A redirect would take a token, or the trust in keys, to another address.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      return { status: response.status, body: undefined }
    }
    return { status: 200, body: JSON.parse(await textOf(response)) as unknown }
  } catch (error) {
    throw new Unavailable(`${place} gave no usable answer`, error)
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    if (length > LARGEST_BYTES) throw new Error(`The answer has more than ${LARGEST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
