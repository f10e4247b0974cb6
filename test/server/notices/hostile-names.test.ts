import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { mailFiles } from '../../../src/adapters/mail/files.ts'
import { MAIL_VALUES } from '../../../src/http/mail.ts'
import { senderOf } from '../../../src/server/boot/foundation.ts'
import { temporaryFolder } from '../../adapters/sqlite/temporary-folder.ts'
import { ourViews } from '../../pages/stage.ts'
import { parse } from '../../support/html.ts'

/** Hostile names of people, devices, apps, browsers and a service, and the form in which a mail may show them. */
const HOSTILE: Readonly<Record<string, { name: string; shown: string; never: RegExp }>> = {
  HTML: {
    name: `"'></td><img src=//evil.example onerror=alert(1)><script>alert(1)</script><!--`,
    shown: `"'></td><img src=//evil.example onerror=alert(1)><script>alert(1)</script><!--`,
    never: /<(?:img|script|!--)/,
  },
  'template syntax': {
    name: '{{ 7 * 191 }}{% include "mail/hello.njk" %}{# note #}{issuer}**{at}**',
    shown: '{{ 7 * 191 }}{% include "mail/hello.njk" %}{# note #}{issuer}**{at}**',
    never: /1337|<b>/,
  },
  'line breaks': {
    name: 'x\r\nBcc: eve@example.com\r\n\r\nGo to\u2028evil\u0085.\u0000',
    shown: 'x Bcc: eve@example.com Go to evil .',
    never: /[\u0000\u0085\u2028]/,
  },
  'direction marks': {
    name: 'a\u202elive\u2066b',
    shown: 'a live b',
    never: /[\u202a-\u202e\u2066-\u2069]/,
  },
}
const NAMES = ['issuer', 'account', 'name', 'replaced', 'app', 'factor', 'browser', 'place']
const ADDRESSES = [
  'manageUrl',
  'helpUrl',
  'notMeUrl',
  'cancelUrl',
  'confirmUrl',
  'resetUrl',
  'setUpUrl',
]

function valuesOf(template: keyof typeof MAIL_VALUES, name: string): Record<string, string> {
  const { needed, optional } = MAIL_VALUES[template]
  return Object.fromEntries(
    [...needed, ...optional].map((value) => {
      if (NAMES.includes(value)) return [value, name]
      return [value, ADDRESSES.includes(value) ? 'https://id.example.com/t0ken' : '1767261600']
    }),
  )
}

/** Every element of the document with its attributes: a name changes none of them. */
function shapeOf(html: string): readonly string[] {
  return [...parse(html).querySelectorAll('*')].map(
    ({ localName, attributes }) =>
      `${localName} ${[...attributes].map(({ name, value }) => `${name}=${value}`).join(' ')}`,
  )
}

describe('a mail with hostile names', () => {
  const folder = temporaryFolder()
  const { renderMail } = ourViews()

  /** The names of the headers of the message, and its sender. */
  const headersOf = async (service: string, mail: ReturnType<typeof renderMail>) => {
    const outbox = folder.file('outbox')
    rmSync(outbox, { recursive: true, force: true })
    const from = senderOf('no-reply@acme.example', service)
    const files = mailFiles({ folder: outbox, from, clock: { now: () => 1_767_261_600 } })
    await files.send({ to: 'mira@example.com', messageId: '<m@acme.example>', ...mail })
    const [file = ''] = readdirSync(outbox)
    const [head = ''] = readFileSync(join(outbox, file), 'utf8').split('\r\n\r\n')
    const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
    return {
      names: lines.map((line) => line.split(':')[0]),
      from: lines.find((line) => line.startsWith('From:')),
    }
  }

  for (const template of Object.keys(MAIL_VALUES) as (keyof typeof MAIL_VALUES)[])
    for (const [what, { name, shown, never }] of Object.entries(HOSTILE))
      it(`keeps the shape of "${template}" with ${what}`, async () => {
        for (const locale of ['en', 'de']) {
          const usual = renderMail(template, valuesOf(template, 'Acme'), locale)
          const hostile = renderMail(template, valuesOf(template, name), locale)
          expect(hostile.subject).to.equal(usual.subject.replaceAll('Acme', () => shown))
          expect(hostile.text).to.equal(usual.text.replaceAll('Acme', () => shown))
          expect(shapeOf(hostile.html)).to.deep.equal(shapeOf(usual.html))
          expect(hostile.html).not.to.match(never)
          const headers = await headersOf(name, hostile)
          expect(headers.names).to.deep.equal((await headersOf('Acme', usual)).names)
          expect(headers.from).to.match(/ <no-reply@acme\.example>$/)
        }
      })
})
