import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { CookieJar } from './cookie-jar.ts'
import { attributesOf, formOf, parse, textOf, type Element, type HtmlForm } from './html.ts'

export type Fields = Readonly<Record<string, string>> | URLSearchParams

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
}

export interface ClientOptions {
  /**
   * The real addresses of origins, as if a proxy stood in front of them. `https://id.example` can be a server on
   * loopback, with the headers that a proxy would add (`X-Forwarded-Proto`, ...).
   */
  readonly origins?: Readonly<
    Record<string, { readonly url: string; readonly headers?: Readonly<Record<string, string>> }>
  >
  /** The headers that are sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  readonly jar?: CookieJar
}

/** A response, with the functions by which tests examine a page. */
export class Page {
  readonly url: URL
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  #document: Element | undefined

  constructor(url: URL, status: number, headers: IncomingHttpHeaders, body: string) {
    this.url = url
    this.status = status
    this.headers = headers
    this.body = body
  }

  /** The absolute target of a redirect; undefined for any other response. */
  get location(): URL | undefined {
    const { location } = this.headers
    return this.status >= 300 && this.status < 400 && location !== undefined
      ? new URL(location, this.url)
      : undefined
  }

  /** The elements that a CSS selector finds, in order. */
  all(selector: string): readonly Element[] {
    this.#document ??= parse(this.body)
    return [...this.#document.querySelectorAll(selector)]
  }

  /** The texts of the elements that a selector finds. */
  texts(selector: string): string[] {
    return this.all(selector).map(textOf)
  }

  /** The attributes of the elements that a selector finds. */
  tags(selector: string): Record<string, string>[] {
    return this.all(selector).map(attributesOf)
  }

  /** The page's stable name: `body[data-page]`. */
  get name(): string | undefined {
    return this.tags('body')[0]?.['data-page']
  }

  get text(): string {
    return textOf((this.#document ??= parse(this.body)))
  }

  get alert(): string | undefined {
    return this.texts('[role=alert]')[0]
  }

  get json(): unknown {
    return JSON.parse(this.body) as unknown
  }

  /** The first form that a selector finds. Throws if there is none, because then the page is not the expected one. */
  form(selector = 'form'): HtmlForm {
    return formOf(this.#one(selector))
  }

  /** The target of the first link that a selector finds. Throws if there is none. */
  link(selector: string): URL {
    return new URL(this.#one(selector).getAttribute('href') ?? '', this.url)
  }

  #one(selector: string): Element {
    const [found] = this.all(selector)
    if (found !== undefined) return found
    throw new Error(
      `No ${selector} on ${this.name ?? 'the answer'} (${this.status} ${this.url.href}).`,
    )
  }
}

/**
 * A browser without JavaScript. It keeps cookies and sends forms with the headers of a browser (Origin,
 * Sec-Fetch-Site). It follows redirects only when a test asks it to, so that the test can check each step.
 */
export class HttpClient {
  readonly jar: CookieJar
  readonly #options: ClientOptions

  constructor(options: ClientOptions = {}) {
    this.jar = options.jar ?? new CookieJar()
    this.#options = options
  }

  get(url: string | URL, options: RequestOptions = {}): Promise<Page> {
    return this.#send('GET', new URL(url), undefined, options)
  }

  /** Posts a form, by default with the headers of a form on a page of the same origin. */
  post(url: string | URL, fields: Fields, options: RequestOptions = {}): Promise<Page> {
    return this.postRaw(url, new URLSearchParams(fields).toString(), options)
  }

  /** Posts a body unchanged, for bodies that no form would send. */
  postRaw(
    url: string | URL,
    body: string | Uint8Array,
    options: RequestOptions = {},
  ): Promise<Page> {
    const target = new URL(url)
    return this.#send('POST', target, Buffer.from(body), {
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: target.origin,
        'sec-fetch-site': 'same-origin',
        ...options.headers,
      },
    })
  }

  /** Fills in and sends a form of a page. `button` is the text or the value of the button that is pressed. */
  submit(
    page: Page,
    values: Readonly<Record<string, string>> = {},
    options: RequestOptions & { form?: string; button?: string | RegExp } = {},
  ): Promise<Page> {
    const form = page.form(options.form)
    const { button: wanted } = options
    const button =
      wanted === undefined
        ? form.buttons[0]
        : form.buttons.find(({ text, value }) =>
            typeof wanted === 'string'
              ? text === wanted || value === wanted
              : wanted.test(text) || wanted.test(value),
          )
    if (wanted !== undefined && button === undefined)
      throw new Error(`No button fits ${String(wanted)} on ${page.name ?? page.url.href}.`)
    const pressed = button?.name === undefined ? {} : { [button.name]: button.value }
    const fields = { ...form.fields, ...pressed, ...values }
    const action = new URL(form.action === '' ? page.url : form.action, page.url)
    if (form.method === 'post')
      return this.post(action, fields, {
        headers: {
          origin: page.url.origin,
          'sec-fetch-site': page.url.origin === action.origin ? 'same-origin' : 'cross-site',
          ...options.headers,
        },
      })
    action.search = new URLSearchParams(fields).toString()
    return this.get(action, options)
  }

  /**
   * Follows at most 20 redirects; returns the first response that is not a redirect. With `until`, stops before the
   * first matching address, such as a relying party's callback, and returns the redirect that leads there.
   */
  async follow(page: Page, until?: (url: URL) => boolean): Promise<Page> {
    let current = page
    for (let hops = 0; current.location !== undefined; hops += 1) {
      if (until?.(current.location) === true) return current
      if (hops === 20) throw new Error(`Redirects without end, last to ${current.location.href}.`)
      current = await this.get(current.location)
    }
    return current
  }

  /** Gets an address and follows its redirects. */
  async visit(url: string | URL, until?: (url: URL) => boolean): Promise<Page> {
    return this.follow(await this.get(url), until)
  }

  async #send(
    method: string,
    url: URL,
    body: Buffer | undefined,
    options: RequestOptions,
  ): Promise<Page> {
    const served = this.#options.origins?.[url.origin]
    const target = new URL(url.pathname + url.search, served?.url ?? url)
    const cookie = this.jar.header(url)
    const { status, headers, text } = await exchange(method, target, body, {
      host: url.host,
      accept: 'text/html,application/xhtml+xml',
      ...this.#options.headers,
      ...served?.headers,
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      ...options.headers,
    })
    this.jar.store(url, headers['set-cookie'] ?? [])
    return new Page(url, status, headers, text)
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function exchange(
  method: string,
  url: URL,
  body: Buffer | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
