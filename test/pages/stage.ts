import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser } from 'playwright-core'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { importedCodes } from '../../src/factors/imported-codes/index.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { pageHeaders } from '../../src/http/headers.ts'
import type { PageModels } from '../../src/http/pages.ts'
import { createViews, type Views } from '../../src/http/views.ts'
import { requireBrowser } from '../support/requirements.ts'
import { REFUSED_FORM, REQUEST, type Sample } from './samples.ts'

/** Chromium and a server that shows each sample with the headers that the product sends. */
export interface Stage {
  readonly browser: Browser
  /** Makes the server show a sample; returns the address of its page. */
  show(sample: Sample): string
  /** The bodies of the forms that were posted. */
  readonly posted: readonly string[]
  close(): Promise<void>
}

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const OUR_FACTORS = [passkeys(), totp(), backupCodes(), importedCodes()]

/** The pages of the product, including the pages of its factors. */
export function ourViews(): Views {
  return createViews({ factors: OUR_FACTORS })
}

export async function openStage(context: Mocha.Context, views: Views = ourViews()): Promise<Stage> {
  const executablePath = requireBrowser(context)
  const samples = new Map<string, Sample>()
  const posted: string[] = []

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const asset = views.assets.get(path)
    if (asset !== undefined) return response.writeHead(200, asset.headers).end(asset.bytes)
    const sample = samples.get(path)
    if (sample !== undefined) {
      void show(views, sample).then((html) => {
        const headers = pageHeaders({ issuer: 'http://localhost' })
        response.writeHead(200, { ...headers, 'Content-Type': 'text/html; charset=utf-8' })
        response.end(html)
      })
      return
    }
    if (request.method !== 'POST') return response.writeHead(404).end()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    // With status 204 the browser stays on the page, so that a second submission is possible.
    request.on('end', () => {
      posted.push(Buffer.concat(chunks).toString())
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })

  return {
    browser,
    posted,
    show(sample) {
      samples.set(`/page/${sample.name}`, sample)
      return `${origin}/page/${sample.name}`
    },
    async close() {
      await browser.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Renders a sample. The renderer needs a page and a model of the same kind, and a sample is such a pair. */
export async function show(views: Views, { page, model, surroundings }: Sample): Promise<string> {
  if (!('signInForm' in model)) return views.render(page, model, surroundings)
  const signInForm = formOf(views, model.signInForm, surroundings.locale)
  return views.render(page as 'login', { ...model, signInForm } as LoginModel, surroundings)
}

type LoginModel = PageModels['login']

/** The form of a passkey for a login page. The sample says only whether it was refused: its words are in the page's language. */
function formOf(views: Views, state: string | undefined, locale: string): string {
  const refused = state === REFUSED_FORM
  const form = { action: '/interaction/u1d/passkey', csrf: 'c5rf', unknown: '' }
  return views.signInForm(
    'passkey',
    { ...form, verification: { options: REQUEST }, refused },
    locale,
  )
}
