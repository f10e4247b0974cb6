import { expect } from 'chai'
import { globSync } from 'node:fs'
import { environmentOptions, fileOptionList } from '../../config/schema.ts'
import { FORM_LIMIT_BYTES, FORM_LIMIT_FIELDS } from '../../src/http/body.ts'
import { MOST_IN_FLIGHT } from '../../src/application/flood.ts'
import { PENDING_SECONDS } from '../../src/domain/first-factor.ts'
import { FAILURES_TO_FORGET } from '../../src/domain/known-browser.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { REPEAT_SECONDS } from '../../src/domain/refresh.ts'
import { SESSION_SECONDS } from '../../src/domain/session.ts'
import {
  FAILURES_TO_SUSPECT,
  FIRST_DELAY_SECONDS,
  FREE_FAILURES,
  LONGEST_DELAY_SECONDS,
  MOST_FAILURES,
} from '../../src/domain/throttle.ts'
import { OWN_METADATA } from '../../src/server/clients/metadata.ts'
import { codeIn, readText, ROOT, rowsOf, sectionOf } from './page.ts'

const GUIDES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT })]
const options: Readonly<Record<string, { readonly secret?: boolean }>> = environmentOptions

/** Names that are not settings: variables of a shell, of Node or of the tests, and our own constants. */
const NOT_OURS =
  /^(NODE_ENV|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED|UV_THREADPOOL_SIZE|NAME_FILE|MFA_KEY|CHROMIUM_PATH|REQUIRE_BROWSER|ECONNREFUSED|\w+_ACR|IMPORT_FIELDS|ACCOUNT_CLIENT_ID)$/

const NUMBERS = ['', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']

describe('settings and figures in the guides', () => {
  it('every variable of the environment that is named is one that the server reads', () => {
    const known = Object.entries(options).flatMap(([name, { secret }]) =>
      secret ? [name, `${name}_FILE`] : [name],
    )
    const unknown = GUIDES.flatMap((page) =>
      [...readText(page).matchAll(/(?:`|^)([A-Z][A-Z_]{3,})(?:=[^`\s]*)?(?=`| \\$)/gm)]
        .map((match) => match[1] ?? '')
        .filter((name) => !known.includes(name) && !NOT_OURS.test(name))
        .map((name) => `${page}: ${name}`),
    )
    expect(unknown).to.deep.equal([])
  })

  it('every setting of CONFIG_FILE that is named is one that it may have', () => {
    const known = fileOptionList().map(({ name }) => name)
    const groups = new Set(known.map((name) => name.split('.')[0] ?? ''))
    const unknown = GUIDES.flatMap((page) =>
      codeIn(readText(page))
        .filter((code) => /^[a-z]+\.[a-zA-Z]+$/.test(code) && groups.has(code.split('.')[0] ?? ''))
        // `mfa` is a group of settings, and the guides also give this name to the result of `createMfa`.
        .filter(
          (code) =>
            !known.includes(code) &&
            !/^mfa\.(on|configure|attach|views|browsers|wayBack)$/.test(code),
        )
        .filter((code) => !/^mfa\.(settled|interaction(Finished|Result))$/.test(code))
        .map((code) => `${page}: ${code}`),
    )
    expect(unknown).to.deep.equal([])
  })

  it('says the figures of the code', () => {
    const said: readonly [page: string, sentence: string][] = [
      ['docs/reference/errors.md', `larger than ${FORM_LIMIT_BYTES} bytes`],
      ['docs/reference/errors.md', `more than ${FORM_LIMIT_FIELDS} fields`],
      ['docs/reference/errors.md', `${NUMBERS[MOST_IN_FLIGHT]} for each account`],
      ['docs/reference/errors.md', `more than ${PENDING_SECONDS / 60} minutes ago`],
      ['docs/adr/0002-pending-first-factor.md', `for ${PENDING_SECONDS / 60} minutes`],
      ['docs/reference/events.md', `${NUMBERS[FAILURES_TO_FORGET]} failures in a browser`],
      [
        'docs/reference/events.md',
        `${NUMBERS[FAILURES_TO_SUSPECT]} wrong codes after a right password`,
      ],
      ['docs/reference/options.md', `Default: ${SESSION_SECONDS}, a day`],
      [
        'docs/guides/operating.md',
        `${FIRST_DELAY_SECONDS} seconds after ${NUMBERS[FREE_FAILURES]} wrong codes, doubling up to an hour`,
      ],
      ['docs/guides/operating.md', `${MOST_FAILURES} wrong codes in 30 days`],
      ['docs/threat-model.md', `At most ${MOST_FAILURES} wrong codes`],
      ['docs/threat-model.md', `${FIRST_DELAY_SECONDS} s after the fifth`],
      ...['docs/guides/clients.md', 'docs/threat-model.md', 'CHANGELOG.md'].map(
        (page): [string, string] => [page, `within ${NUMBERS[REPEAT_SECONDS]} seconds`],
      ),
      ...[PASSWORD_ACR, MULTI_FACTOR_ACR].map((acr): [string, string] => [
        'docs/guides/clients.md',
        `\`${acr}\``,
      ]),
    ]
    for (const [page, sentence] of said) expect(readText(page), page).to.contain(sentence)
    expect(LONGEST_DELAY_SECONDS).to.equal(3600)
  })

  it("names the members of a client's metadata that are ours", () => {
    const table = sectionOf(readText('docs/guides/clients.md'), 2, 'Register')
    expect(rowsOf(table).map(([member]) => member)).to.have.members(
      OWN_METADATA.map((member) => `\`${member}\``),
    )
  })
})
