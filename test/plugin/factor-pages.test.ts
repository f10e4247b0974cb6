import { expect } from 'chai'
import type { AnyFactor, Render } from '../../src/index.ts'
import { challengeFactor } from '../../src/testing/factors.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { follow, showPassword, startHost, type Host, type HostOptions } from './host.ts'

const FOLDER = new URL('./browser-key/', import.meta.url)
const NAMES = { enrol: 'own-key-enrol', verify: 'own-key-verify' } as const

function browserKey(pages: Partial<AnyFactor['pages']> = {}): AnyFactor {
  return { ...challengeFactor(), id: 'browser-key', pages: { views: FOLDER, ...pages } }
}

describe('the pages of a factor in a sign-in', () => {
  let host: Host
  let browser: HttpClient
  afterEach(async () => host.close())

  async function setUpPage(mfa: NonNullable<HostOptions['mfa']>): Promise<Page> {
    host = await startHost({ mfa })
    browser = new HttpClient()
    const ways = await showPassword(host, browser, 'mira', { ui_locales: 'de' })
    return follow(host, browser, await browser.submit(ways, { factor: 'browser-key' }))
  }

  it('have the names that the factor gives them', async () => {
    const page = await setUpPage({ factors: [browserKey({ names: NAMES })] })
    expect([page.status, page.name]).to.deep.equal([200, 'own-key-enrol'])
  })

  it('say in the factor’s own words, and the person’s language, that a response was refused', async () => {
    const page = await setUpPage({ factors: [browserKey()] })
    const refused = await browser.submit(page, { credential: 'nothing that can be read' })
    expect([refused.status, refused.name]).to.deep.equal([400, 'browser-key-enrol'])
    expect(refused.alert).to.include('Dieser Browser wurde nicht akzeptiert')
  })

  it('come to the application’s own `render`, with their name and model', async () => {
    const rendered: [page: string, model: object][] = []
    const render: Render = (page, model) => {
      rendered.push([page, model])
      const { action = '', csrf = '' } = model as { action?: string; csrf?: string }
      return (
        `<body data-page="${page}"><form method="post" action="${action}">` +
        `<input type="hidden" name="csrf" value="${csrf}"></form></body>`
      )
    }
    const page = await setUpPage({ factors: [browserKey({ names: NAMES })], render })
    expect(page.name).to.equal('own-key-enrol')
    const [name, model] = rendered.at(-1)!
    expect(name).to.equal('own-key-enrol')
    expect(model).to.have.nested.property('enrolment.challenge')
    expect(model).to.include.keys('csrf', 'action', 'cancelAction', 'name')
  })
})
